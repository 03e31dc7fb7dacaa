"""Revisions on a running gateway: restored within a second, held, and published again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_runtime.schema import keys
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess, backend, call
from tests.integration.portal_home import PortalHome
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration
__all__ = ["backend"]

# From the click to the answer that differs, on a machine that does other things too.
RESTORE_MS = 1000
APPLY_BASIC = """
policies.policy_apply(actor=ada, instance=instance, policy="http-basic-authentication",
                      config={"username": "w", "password": "s3cret-s3cret"})
"""
# The clock runs from before the service is called until a caller gets the other answer.
RESTORE_TIMED = """
import time, urllib.request
from portal.publishing import services
def status():
    try:
        return urllib.request.urlopen("http://127.0.0.1:%d/orders/1").status
    except urllib.error.HTTPError as error:
        return error.code
assert status() == 401
first = Revision.objects.get(number=1)
began = time.monotonic()
services.revision_restore(revision=first, actor=ada)
while status() != 200:
    assert time.monotonic() - began < 20
    time.sleep(0.002)
answer((time.monotonic() - began) * 1000)
"""


@pytest.fixture
def port() -> int:
    """The port of the gateway's listener."""
    return free_ports(1)[0]


@pytest.fixture
def gateway(
    home: PortalHome, redis_server: RedisServer, backend: int, port: int, tmp_path: Path
) -> Iterator[GatewayProcess]:
    """A running gateway on revision 1 of a portal with its job worker."""
    gateway_id = home.make_world(port=port, backend=backend)
    home.worker()
    home.beat()
    home.run("from portal.publishing.services import publish_request\npublish_request(gateway=gateway)")

    def published() -> bool:
        with redis_server.client() as client:
            return client.get(keys.pointer(gateway_id)) == b"1"

    wait_until(published, seconds=60, what=f"revision 1\n{home.log('worker')}")
    gateway = GatewayProcess(tmp_path, home.registration).start()
    gateway.wait_for_revision(1)
    yield gateway
    gateway.terminate()
    gateway.wait()


def test_restored_revision_is_enforced_within_a_second_and_held(
    home: PortalHome, gateway: GatewayProcess, port: int
) -> None:
    took = []
    for number in (2, 4):
        home.run(
            APPLY_BASIC
            if number == 2
            else "from portal.publishing import services\n"
            "from portal.publishing.models import Hold\nservices.hold_release(hold=Hold.objects.get(), actor=ada)"
        )
        gateway.wait_for_revision(number)
        took.append(home.run(RESTORE_TIMED % port))
    assert min(took) < RESTORE_MS, took
    print(f"restore, click to enforced: {took}")
    # Held: what is saved now waits, and callers go on as before.
    home.run("policies.policy_disable(actor=ada, binding=PolicyBinding.objects.get())")
    home.run("policies.policy_enable(actor=ada, binding=PolicyBinding.objects.get())")
    wait_until(
        lambda: home.value("select requested = published from publishing_publishrequest"), seconds=20, what="the jobs"
    )
    assert home.value("select max(number) from publishing_revision") == 5
    assert call(port, "/orders/1").status == 200


STAGE = """
from portal.publishing import rollout_services
rollout_services.staging_update(gateway=gateway, actor=ada, stage_changes=True, percent=50, minimum_requests=20,
                                refusals_count=True, error_percent=20)
"""


def test_staged_change_is_undone_by_its_budget(home: PortalHome, gateway: GatewayProcess, port: int) -> None:
    home.run(STAGE + APPLY_BASIC)
    gateway.wait_for_revision(2)
    # Everything the portal does by itself ends in the middle; what it left is made up for when it is back.
    home.kill("worker")
    answered = [call(port, "/orders/1").status for _ in range(80)]
    assert set(answered) == {200, 401}
    home.restart_ended()
    wait_until(
        lambda: home.value("select state from publishing_rollout") == "undone",
        seconds=60,
        what=f"the budget\n{home.log('worker')}",
    )
    gateway.wait_for_revision(3)
    assert {call(port, "/orders/1").status for _ in range(20)} == {200}
    assert home.value("select reason from publishing_hold") == "undone"
    assert home.value("select sum(requests) from publishing_rollouttraffic where revision = 2") == answered.count(401)


def test_staged_change_is_promoted_for_all(home: PortalHome, gateway: GatewayProcess, port: int) -> None:
    home.run(STAGE + APPLY_BASIC)
    gateway.wait_for_revision(2)
    wait_until(
        lambda: home.value("select requested = published from publishing_publishrequest"), seconds=20, what="the jobs"
    )
    home.run(
        "from portal.publishing import rollout_services\nfrom portal.publishing.models import Rollout\n"
        "rollout_services.rollout_promote(rollout=Rollout.objects.get(), actor=ada, candidate=2)"
    )
    gateway.wait_for_revision(3)
    assert {call(port, "/orders/1").status for _ in range(20)} == {401}
