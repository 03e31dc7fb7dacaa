"""Workers that die, a gateway that ends, and a start that goes wrong."""

import http.client
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import Answer, GatewayProcess, api, call, document
from tests.integration.publisher import Publisher
from tests.stack import ROOT, wait_until

pytestmark = pytest.mark.integration


def test_a_killed_worker_is_replaced_while_the_other_serves(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    number = publisher.publish(document(publisher, port, api(backend)))
    gateway.wait_for_revision(number)
    victim, other = gateway.worker_pids()
    os.kill(victim, 9)
    wait_until(lambda: gateway.worker_pids() == [other], seconds=5, what="the worker's end")
    assert gateway.page("/readyz").status == 200
    for _ in range(20):
        assert call(port, "/orders").status == 200
    gateway.wait_for_revision(number)
    assert other in gateway.worker_pids()
    assert victim not in gateway.worker_pids()
    assert b"portico_worker_restarts_total 1.0" in gateway.page("/metrics").body


def test_a_gateway_that_ends_finishes_what_it_is_doing(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    kept = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    kept.request("GET", "/orders")
    assert kept.getresponse().read()
    answers: list[Answer] = []
    caller = threading.Thread(target=lambda: answers.append(call(port, "/orders/slow/1.5")))
    caller.start()
    wait_until(lambda: _connections(port) >= 2, seconds=5, what="the request on its way")
    gateway.terminate()
    wait_until(lambda: gateway.page("/readyz").status == 503, seconds=2, what="readiness to fail")
    assert b"draining" in gateway.page("/readyz").body
    assert gateway.page("/livez").status == 200
    wait_until(lambda: _refused(port), seconds=2, what="the listener to close")
    caller.join(timeout=10)
    assert [answer.status for answer in answers] == [200]
    assert answers[0].headers["connection"] == "close"
    assert gateway.wait() == 0
    status = publisher.replica()
    assert status is not None
    assert status.stopping
    kept.close()


def _connections(port: int) -> int:
    """Return how many connections to a loopback port are established, as the kernel counts them."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(1 for line in lines if line.split()[1] == f"0100007F:{port:04X}" and line.split()[3] == "01")


def _refused(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) != 0


def test_workers_end_when_their_supervisor_is_killed(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    pids = gateway.worker_pids()
    gateway.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), seconds=5, what="the workers' end")
    assert _refused(port)


def test_a_second_gateway_takes_over_with_the_same_replica_id(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    before = gateway.revision()["replica"]
    gateway.terminate()
    assert gateway.wait() == 0
    gateway.start()
    gateway.wait_for_revision(1)
    assert gateway.revision()["replica"] == before
    assert call(port, "/orders").status == 200


def start(*arguments: str, **environment: str) -> tuple[int, str]:
    """Start a gateway that cannot start. Return its exit status and what it says."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PORTICO_")}
    ended = subprocess.run(
        [sys.executable, "-m", "gateway_runtime", *arguments],
        cwd=ROOT, env=clean | environment, capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    return ended.returncode, ended.stderr


@pytest.fixture
def registration(publisher: Publisher, tmp_path: Path) -> Path:
    return publisher.write_registration(tmp_path / "registration.yaml")


def test_start_without_registration_says_what_to_do() -> None:
    status, sentence = start()
    assert status == 2
    assert sentence.startswith("Give the registration file of this gateway with --registration FILE.")


def test_a_registration_that_others_can_read_is_refused(registration: Path) -> None:
    registration.chmod(0o640)
    status, said = start("--registration", str(registration))
    assert status == 2
    assert said == f"The registration {registration} can be read by others. Run: chmod 600 {registration}\n"


def test_a_bad_environment_value_is_refused_in_one_sentence(registration: Path) -> None:
    status, said = start("--registration", str(registration), PORTICO_GATEWAY_WORKERS="many")
    assert (status, said) == (2, "PORTICO_GATEWAY_WORKERS must be a whole number from 1 to 256, not “many”.\n")


def test_an_admin_port_in_use_is_said_in_one_sentence(registration: Path, tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = f"127.0.0.1:{squatter.getsockname()[1]}"
        status, said = start("--registration", str(registration), "--admin", taken, "--state", str(tmp_path / "state"))
    assert status == 2
    assert (
        said
        == f"The admin address {taken} cannot be opened: Address already in use. Choose another one with --admin.\n"
    )


def test_two_gateways_cannot_share_a_state_folder(gateway: GatewayProcess, registration: Path) -> None:
    status, said = start("--registration", str(registration), "--state", str(gateway.state))
    assert status == 2
    assert "is used by another running gateway" in said


def test_admin_pages(gateway: GatewayProcess) -> None:
    assert gateway.page("/nothing").status == 404
    assert gateway.page("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin, timeout=5)
    connection.request("HEAD", "/livez")
    head = connection.getresponse()
    assert (head.status, head.read()) == (200, b"")
    connection.request("POST", "/livez", body=b"x")
    refused = connection.getresponse()
    refused.read()
    assert refused.status == 405
    connection.close()
