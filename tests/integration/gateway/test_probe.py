"""The port for probes of a real gateway: it follows the files, tells what /readyz tells, and gives way to nobody."""

import json
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import GatewayProcess, call
from tests.integration.gateway.test_upgrade import running, supervisors, upgrade, upgraded
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

PROBE = """\
apiVersion: gateway.mulesoft.com/v1beta1
kind: Configuration
metadata: {{name: probe}}
spec: {{probe: {{enabled: {enabled}, port: {port}}}}}
"""
API = """\
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: orders}}
spec:
  address: http://127.0.0.1:{port}
  services: {{all: {{address: "http://127.0.0.1:{backend}"}}}}
"""
READINESS = "/probes/readiness?allowEnvoyErrors=true&allowAPIErrors=false&allowPolicyErrors="


class Probed:
    """A gateway with a file, and a port for probes."""

    def __init__(self, folder: Path, port: int, backend: int) -> None:
        self.file = folder / "api.yaml"
        self.api = API.format(port=port, backend=backend)
        self.port = port
        (self.probe,) = free_ports(1)
        self.gateway = GatewayProcess(folder, config=self.file)

    def save(self, *, api: bool = True, enabled: bool = True, port: int = 0) -> None:
        text = PROBE.format(enabled=str(enabled).lower(), port=port or self.probe) + (self.api if api else "")
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.rename(self.file)

    def status(self, path: str = READINESS) -> int:
        """Return the status of the answer, 0 without one."""
        try:
            return call(self.probe, path).status
        except OSError:
            return 0

    def wait_for(self, status: int) -> None:
        wait_until(lambda: self.status() == status, seconds=15, what=f"{status}; the log says {self.gateway.log}")

    def wait_for_fault(self) -> str:
        def refused() -> str:
            shown = self.gateway.revision()
            return shown["message"] if shown["state"] == "rejected" else ""

        return wait_until(refused, seconds=15, what="the refusal")


@pytest.fixture
def probed(tmp_path: Path, port: int, backend: int) -> Iterator[Probed]:
    made = Probed(tmp_path, port, backend)
    yield made
    for pid in supervisors(made.gateway)[1:]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    made.gateway.kill()
    wait_until(lambda: not any(map(running, supervisors(made.gateway))), seconds=15, what="the end of every process")


def test_readiness_begins_with_an_api_and_stays_while_files_change(probed: Probed) -> None:
    probed.save(api=False)
    probed.gateway.start()
    probed.gateway.wait_for_revision(1)
    assert probed.status() == 503
    assert json.loads(call(probed.probe, "/probes/readiness").body)["code"] == "no_api"
    assert probed.status("/probes/liveness") == 200
    assert probed.status("/metrics") == 404
    probed.save()
    probed.wait_for(200)
    before = probed.gateway.revision()["revision"]
    probed.save(api=False)
    probed.gateway.wait_for_revision(before + 1)
    assert probed.status() == 200


def test_the_port_is_opened_moved_and_closed_as_the_file_says(probed: Probed) -> None:
    probed.save()
    probed.gateway.start()
    probed.wait_for(200)
    old = probed.probe
    (probed.probe,) = free_ports(1)
    probed.save()
    probed.wait_for(200)
    probed.probe, new = old, probed.probe
    assert probed.status() == 0
    probed.probe = new
    probed.save(enabled=False)
    probed.wait_for(0)


def test_a_port_that_is_taken_is_refused_and_what_was_before_goes_on(probed: Probed) -> None:
    probed.save()
    probed.gateway.start()
    probed.wait_for(200)
    with socket.create_server(("0.0.0.0", 0)) as stranger:
        taken = stranger.getsockname()[1]
        probed.save(port=taken)
        assert probed.wait_for_fault() == (
            f"Port {taken} for probes cannot be opened: Address already in use. Choose another port or free this one."
        )
        assert probed.status() == 200
        assert call(probed.port, "/").status == 200
    # It is tried again, and now nobody has it.
    probed.probe = taken
    probed.wait_for(200)


def test_the_admin_port_is_refused(probed: Probed) -> None:
    probed.save(enabled=False)
    probed.gateway.start()
    probed.gateway.wait_for_revision(1)
    probed.save(port=probed.gateway.admin)
    assert "is the admin port" in probed.wait_for_fault()


def test_a_listener_can_have_what_was_the_port_for_probes(probed: Probed) -> None:
    probed.save()
    probed.gateway.start()
    probed.wait_for(200)
    probed.api = probed.api.replace(f":{probed.port}\n", f":{probed.probe}\n")
    moved = probed.probe
    (probed.probe,) = free_ports(1)
    probed.save()
    probed.wait_for(200)
    assert call(moved, "/anything").status == 200


def test_readiness_fails_while_the_gateway_drains(probed: Probed) -> None:
    probed.save()
    probed.gateway.start()
    probed.wait_for(200)
    asking = threading.Thread(target=call, args=(probed.port, "/slow/3"))
    asking.start()
    process = probed.gateway._process
    assert process is not None
    wait_until(
        lambda: b"portico_inflight_requests" in probed.gateway.page("/metrics").body and asking.is_alive(),
        seconds=5, what="the request",
    )  # fmt: skip
    os.kill(process.pid, signal.SIGTERM)
    probed.wait_for(503)
    asking.join()
    process.wait(30)
    assert probed.status() == 0


def test_an_upgrade_is_seen_by_no_probe(tmp_path: Path, probed: Probed) -> None:
    probed.save()
    probed.gateway = GatewayProcess(tmp_path, config=probed.file, arguments=("--drain", "2"))
    probed.gateway.start()
    probed.wait_for(200)
    seen: Counter[int] = Counter()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            seen[probed.status()] += 1

    watching = threading.Thread(target=watch)
    watching.start()
    upgrade(probed.gateway)
    upgraded(probed.gateway)
    ended.set()
    watching.join()
    assert dict(seen) == {200: seen[200]}
    # The port is the successor's now, and follows the files as before.
    probed.save(enabled=False)
    probed.wait_for(0)
