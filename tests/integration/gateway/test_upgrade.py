"""A running gateway that is replaced by a new version of itself, under load, and one that cannot be."""

import http.client
import os
import shutil
import signal
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import gateway_runtime
from tests.integration.gateway.conftest import GatewayProcess, api, call, document
from tests.integration.gateway.test_tls import client, tls, with_tls
from tests.integration.publisher import Publisher
from tests.stack import wait_until

pytestmark = pytest.mark.integration


class Load:
    """Callers that never stop: some keep their connection for as long as they may, the others take a new one each time.

    No one tries again: whatever does not end in a whole answer with status 200 is a failure.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._port = port
        self._tls = tls
        self._end = threading.Event()
        self.answers: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._call, args=(keep,)) for keep in (True, True, True, False, False)]

    def _call(self, keep: bool) -> None:
        connection = self._connection()
        while not self._end.is_set():
            try:
                connection.request("GET", "/orders/load")
                response = connection.getresponse()
                response.read()
                self.answers[str(response.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
                connection.close()
            if not keep:
                connection.close()
            time.sleep(0.001)
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=10, context=self._tls)

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(timeout=15)


class Installation:
    """A folder with versions of the gateway, one of which is the current one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current = folder / "current"
        self.install(gateway_runtime.VERSION)

    @property
    def environment(self) -> dict[str, str]:
        """Return what lets a process find the version that is current when it starts."""
        return {"PYTHONPATH": str(self._current), "PYTHONDONTWRITEBYTECODE": "1"}

    def install(self, version: str, first_line: str = "") -> None:
        """Make a copy of the code the current version; `first_line` runs before everything else."""
        target = self._folder / version / "gateway_runtime"
        shutil.copytree(Path(gateway_runtime.__file__).parent, target)
        package = target / "__init__.py"
        package.write_text(package.read_text().replace(gateway_runtime.VERSION, version))
        main = target / "__main__.py"
        main.write_text(f"{first_line}\n{main.read_text()}")
        link = self._folder / "next"
        link.symlink_to(self._folder / version)
        link.replace(self._current)


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture
def gateway(
    request: pytest.FixtureRequest, publisher: Publisher, tmp_path: Path, installed: Installation
) -> Iterator[GatewayProcess]:
    process = GatewayProcess(
        tmp_path,
        publisher.write_registration(tmp_path / "registration.yaml"),
        arguments=("--drain", "3", "--upgrade", getattr(request, "param", "60")),
        environment=installed.environment,
        cwd=tmp_path,
    )
    process.start()
    yield process
    for pid in {line["pid"] for line in process.events("gateway_starting")}:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not any(map(running, supervisors(process))), seconds=15, what="the end of every process")
    process.kill()


def supervisors(process: GatewayProcess) -> list[int]:
    """Return the process ids of the gateway and its successors, oldest first."""
    return list(dict.fromkeys(line["pid"] for line in process.events("gateway_starting")))


def running(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has asked for its status has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def upgraded(process: GatewayProcess, times: int = 1) -> None:
    """Wait until a successor has taken over and the one before it has ended."""
    wait_until(lambda: len(process.events("gateway_left")) == times, seconds=60, what="the upgrade")


def upgrade(process: GatewayProcess) -> None:
    """Ask the gateway that serves to start its successor."""
    taken = process.events("gateway_taken_over")
    os.kill(taken[-1]["pid"] if taken else supervisors(process)[0], signal.SIGHUP)


def test_an_upgrade_under_load_costs_no_request_and_no_connection(
    gateway: GatewayProcess, publisher: Publisher, installed: Installation, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    before = publisher.replica()
    assert before is not None
    seen, watching = [], threading.Event()

    def watch() -> None:
        while not watching.wait(0.1):
            if (status := publisher.replica()) is not None:
                seen.append((time.time() - status.seen_at, status.stopping))

    watcher = threading.Thread(target=watch)
    watcher.start()
    with Load(port) as load:
        wait_until(lambda: load.answers["200"] > 200, seconds=10, what="some load")
        for number, version in enumerate(("9.0.1", "9.0.2"), 1):
            installed.install(version)
            upgrade(gateway)
            upgraded(gateway, number)
        number = publisher.publish(document(publisher, port, api(backend), api(backend, id="more", base_path="/more")))
        gateway.wait_for_revision(number)
        assert call(port, "/more").status == 200
    watching.set()
    watcher.join()
    assert dict(load.answers) == {"200": load.answers["200"]}
    # The portal sees one replica, always there, that has become another version.
    assert max(age for age, _ in seen) < 4
    assert not any(stopping for _, stopping in seen)
    after = publisher.replica()
    assert after is not None
    assert (after.replica, after.started_at, after.version) == (before.replica, before.started_at, "9.0.2")
    assert after.pid == supervisors(gateway)[-1]
    # Every request is counted once: in the batches, in the heartbeat, on the metrics page.
    total = load.answers["200"] + 1
    wait_until(lambda: counted(publisher) == total, seconds=5, what=f"{total} counted, not {counted(publisher)}")
    wait_until(lambda: publisher.replica().served == total, seconds=5, what="the heartbeat")  # type: ignore[union-attr]
    assert {batch.started_at for batch in publisher.batches()} == {before.started_at}
    metrics = gateway.page("/metrics").body.decode().splitlines()
    assert sum(float(line.split()[-1]) for line in metrics if line.startswith("portico_http_requests_total{")) == total


def counted(publisher: Publisher) -> int:
    """Return how many requests have arrived in batches."""
    return sum(row.requests for batch in publisher.batches() for row in batch.rows)


def test_a_version_that_ends_leaves_the_old_one_serving_until_it_is_mended(
    gateway: GatewayProcess, publisher: Publisher, installed: Installation, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    workers = gateway.worker_pids()
    installed.install("9.0.1", "raise SystemExit('This version is broken.')")
    with Load(port) as load:
        upgrade(gateway)
        wait_until(lambda: gateway.events("upgrade_failed"), seconds=20, what="the failure")
    assert "ended before it was ready" in gateway.events("upgrade_failed")[0]["message"]
    assert dict(load.answers) == {"200": load.answers["200"]}
    assert gateway.worker_pids() == workers
    assert gateway.page("/readyz").status == 200
    installed.install("9.0.2")
    upgrade(gateway)
    upgraded(gateway)
    assert gateway.revision()["revision"] == 1
    assert call(port, "/orders").status == 200


@pytest.mark.parametrize("gateway", ["3"], indirect=True, ids=["bound"])
def test_a_version_that_hangs_leaves_the_old_one_serving(
    gateway: GatewayProcess, publisher: Publisher, installed: Installation, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    installed.install("9.0.1", "import time; time.sleep(60)")
    upgrade(gateway)
    wait_until(lambda: gateway.events("upgrade_failed"), seconds=20, what="the failure")
    assert "not ready within 3 s" in gateway.events("upgrade_failed")[0]["message"]
    assert call(port, "/orders").status == 200
    assert gateway.page("/readyz").status == 200


@pytest.mark.parametrize("gateway", ["0"], indirect=True, ids=["off"])
def test_a_gateway_whose_starter_follows_its_process_stays(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    upgrade(gateway)
    wait_until(lambda: gateway.events("upgrade_not_here"), seconds=10, what="the warning")
    assert len(supervisors(gateway)) == 1
    assert call(port, "/orders").status == 200


def test_a_bad_argument_file_leaves_the_old_one_serving(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int, tmp_path: Path
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    (tmp_path / "registration.yaml").chmod(0o644)
    upgrade(gateway)
    wait_until(lambda: gateway.events("upgrade_failed"), seconds=15, what="the failure")
    assert "can be read by others" in gateway.log
    assert call(port, "/orders").status == 200
    assert gateway.page("/readyz").status == 200


def test_an_old_version_killed_during_the_handover_is_replaced_all_the_same(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    replica = gateway.revision()["replica"]
    upgrade(gateway)
    old, _ = wait_until(
        lambda: pids if len(pids := supervisors(gateway)) == 2 else None, seconds=30, what="the new process"
    )
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: gateway.events("gateway_taken_over"), seconds=30, what="the successor")
    gateway.wait_for_revision(1)
    assert gateway.revision()["replica"] == replica
    wait_until(lambda: listening(port), seconds=5, what="the listener")
    for _ in range(20):
        assert call(port, "/orders").status == 200


def listening(port: int) -> bool:
    """Tell whether a connection is accepted."""
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def test_a_request_that_runs_during_the_upgrade_is_answered(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
    statuses: list[int] = []
    caller = threading.Thread(target=lambda: statuses.append(call(port, "/orders/slow/3").status))
    caller.start()
    upgrade(gateway)
    upgraded(gateway)
    caller.join(timeout=10)
    assert statuses == [200]


def test_an_upgrade_under_load_costs_no_handshake(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    gateway.wait_for_revision(publisher.publish(with_tls(publisher, port, backend, tls())))
    with Load(port, client()) as load:
        wait_until(lambda: load.answers["200"] > 100, seconds=10, what="some load")
        upgrade(gateway)
        upgraded(gateway)
        so_far = load.answers["200"]
        wait_until(lambda: load.answers["200"] > so_far + 100, seconds=10, what="load on the new process")
    assert dict(load.answers) == {"200": load.answers["200"]}


def test_systemd_is_told_who_the_main_process_is_before_it_is_told_ready(
    publisher: Publisher, tmp_path: Path, backend: int, port: int
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        process = GatewayProcess(
            tmp_path,
            publisher.write_registration(tmp_path / "registration.yaml"),
            arguments=("--drain", "1"),
            environment={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"},
        )
        process.start()
        try:
            told_until(systemd, "READY=1")
            process.wait_for_revision(publisher.publish(document(publisher, port, api(backend))))
            assert "WATCHDOG=1" in told_until(systemd, "STATUS=Revision 1 (applied), workers 2 of 2")
            upgrade(process)
            said = told_until(systemd, "READY=1")
            upgraded(process)
            successor = supervisors(process)[-1]
            assert [line for line in said if line.startswith("MAINPID=")] == [f"MAINPID={successor}"]
            assert said.index("RELOADING=1") < said.index(f"MAINPID={successor}") < said.index("READY=1")
            assert process.wait() == 0
            os.kill(successor, signal.SIGTERM)
            assert "WATCHDOG=1" in told_until(systemd, "STOPPING=1")
        finally:
            for pid in supervisors(process):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not any(map(running, supervisors(process))), seconds=15, what="the end")


def told_until(systemd: socket.socket, last: str) -> list[str]:
    """Return the lines that systemd is told, up to one."""
    lines: list[str] = []
    while last not in lines:
        lines += systemd.recv(4096).decode().splitlines()
    return lines


def test_a_gateway_of_files_is_upgraded_and_not_with_files_that_are_broken(
    tmp_path: Path, backend: int, port: int
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    good = FILES.format(port=port, backend=backend)
    (files / "orders.yaml").write_text(good)
    process = GatewayProcess(tmp_path, config=files, arguments=("--drain", "1"))
    process.start()
    try:
        process.wait_for_revision(1)
        (files / "orders.yaml").write_text(good.replace("kind: ApiInstance", "kind: ApiInstanz"))
        upgrade(process)
        wait_until(lambda: process.events("upgrade_failed"), seconds=40, what="the failure")
        assert call(port, "/orders").status == 200
        (files / "orders.yaml").write_text(good)
        with Load(port) as load:
            upgrade(process)
            upgraded(process)
        assert dict(load.answers) == {"200": load.answers["200"]}
        assert process.page("/readyz").status == 200
    finally:
        for pid in supervisors(process):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not any(map(running, supervisors(process))), seconds=15, what="the end")


FILES = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: orders}}
spec:
  address: http://127.0.0.1:{port}/orders
  services:
    backend: {{address: "http://127.0.0.1:{backend}", routes: [{{config: {{destinationPath: /}}}}]}}
"""
