"""Traffic over a real gateway sets an alert off, mail and webhook arrive, its end is told; so is a dead gateway."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway_runtime.schema import keys
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess, backend, call
from tests.integration.portal_home import PRELUDE, PortalHome
from tests.stack import ROOT, free_ports, wait_until

pytestmark = pytest.mark.integration
__all__ = ["backend"]

ALERTS = """
from portal.alerts.services import alert_create
from portal.alerts.webhook_services import webhook_create
from portal.organizations.models import Environment
here = Environment.objects.get()
hook = webhook_create(actor=ada, environment=here, name="Pager", url={url!r}).webhook
told = dict(actor=ada, environment=here, webhooks=[hook], emails=["ops@example.test"], cooldown_minutes=0)
alert_create(kind="requests", name="Busy", threshold=10, window_minutes=1, instances=[instance], **told)
alert_create(kind="gateway_disconnected", name="Gone", window_minutes=0, severity="critical", **told)
"""


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a web server, and the notices that were posted to it."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", got
    server.shutdown()
    server.server_close()


def test_traffic_and_a_dead_gateway_set_alerts_off(
    home: PortalHome,
    redis_server: RedisServer,
    backend: int,
    receiver: tuple[str, list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    url, got = receiver

    def told(event: str, name: str) -> list[dict[str, Any]]:
        return [notice for notice in got if (notice["event"], notice["alert"]["name"]) == (event, name)]

    port = free_ports(1)[0]
    home.environment["PORTICO_ALLOW_PRIVATE_WEBHOOKS"] = "1"
    gateway_id = home.make_world(port=port, backend=backend)
    home.worker()
    home.beat()
    home.run("from portal.publishing.services import publish_request\npublish_request(gateway=gateway)")
    with redis_server.client() as client:
        wait_until(lambda: client.get(keys.pointer(gateway_id)), seconds=60, what=f"a revision\n{home.log('worker')}")
    gateway = GatewayProcess(tmp_path, home.registration)
    gateway.start()
    try:
        gateway.wait_for_revision(1)
        home.run(ALERTS.format(url=url))
        for _ in range(30):
            assert call(port, "/orders/1").status == 200
        wait_until(lambda: told("alert.fired", "Busy"), seconds=60, what=f"the alert\n{home.log('worker')}")
        wait_until(lambda: told("alert.recovered", "Busy"), seconds=200, what=f"its end\n{home.log('worker')}")
        assert not told("alert.fired", "Gone")
    finally:
        gateway.kill()
    wait_until(lambda: told("alert.fired", "Gone"), seconds=60, what=f"the dead gateway\n{home.log('worker')}")
    # Without a mail server the text of a mail is in the log.
    for subject in ("Busy (warning)", "Over: Busy", "Gone: Edge (critical)"):
        line = f'"message": "mail: {subject}"'
        wait_until(lambda line=line: line in (home.folder / "worker.log").read_text(), seconds=20, what=line)
    assert len(got) == len({notice["id"] for notice in got}) == 3


# Ends as a lack of memory would, in the middle of what it does.
KILLED = """
import os, signal
from unittest import mock
from django.utils import timezone
from portal.alerts import delivery, evaluation
def end(*arguments, **named): os.kill(os.getpid(), signal.SIGKILL)
"""
QUIET = """
from datetime import timedelta
from django.utils import timezone
from portal.alerts.models import AlertRule
from portal.alerts.services import alert_create
from portal.organizations.models import Environment
alert_create(actor=ada, environment=Environment.objects.get(), kind="requests", name="Quiet", comparison="below",
             threshold=1, window_minutes=1, emails=["ops@example.test"])
AlertRule.objects.update(watched_since=timezone.now() - timedelta(hours=1))
"""
COUNT = """
from portal.alerts.models import AlertEpisode, AlertNotice
answer([AlertEpisode.objects.count(), AlertNotice.objects.count(), AlertNotice.objects.filter(state="sent").count()])
"""


def test_a_job_that_is_killed_neither_loses_nor_doubles_a_notice(home: PortalHome) -> None:
    home.make_world(port=free_ports(1)[0], backend=1)
    home.run(QUIET)

    def killed(script: str) -> None:
        command = [sys.executable, "-c", PRELUDE + KILLED + script]
        done = subprocess.run(command, cwd=ROOT, env=home.environment, capture_output=True, timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]

    judge = "evaluation.alerts_evaluate()"
    # The episode is stored, its notices are not yet.
    killed(f"with mock.patch.object(evaluation, 'notices_make', end): {judge}")
    assert home.run(COUNT) == [0, 0, 0]
    home.run(KILLED + judge)
    home.run(KILLED + judge)
    assert home.run(COUNT) == [1, 1, 0]
    # It is claimed, and was not sent.
    killed("with mock.patch.object(delivery, '_mailed', end): delivery.notices_deliver()")
    home.run(KILLED + "delivery.notices_deliver()")
    assert home.run(COUNT) == [1, 1, 0]
    later = "delivery.notices_deliver(now=timezone.now() + delivery.CLAIM)\nanswer(0)"
    home.run(KILLED + later)
    home.run(KILLED + later)
    assert home.run(COUNT) == [1, 1, 1]
