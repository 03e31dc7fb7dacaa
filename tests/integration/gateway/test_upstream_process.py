"""A real gateway and real services as processes: one is killed under load, the files change, and nobody notices."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import GatewayProcess, call
from tests.stack import wait_until

pytestmark = pytest.mark.integration

SERVICE = """\
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        name = sys.argv[1].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(name)))
        self.end_headers()
        self.wfile.write(name)
    def log_message(self, *arguments):
        pass
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
"""
FILES = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: museum}}
spec:
  address: http://127.0.0.1:{port}/museum
  services:
    exhibits:
      address: http://127.0.0.1:{first}
      targets: [{{address: "http://127.0.0.1:{second}"}}]
      outliers: {{consecutiveFailures: 2, baseSeconds: {base}}}
      retries: {{budgetPerSecond: 100}}
      {more}
"""


class ServiceProcess:
    """A service that answers with its name."""

    def __init__(self, name: str, port: int = 0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVICE, name, str(port)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Kit:
    """Two services behind one gateway that files configure."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.services = [ServiceProcess("first"), ServiceProcess("second")]
        self.conf = folder / "conf.d"
        self.conf.mkdir()
        self.gateway = GatewayProcess(folder, config=self.conf, workers=1)
        self.saved = 0

    def save(self, *, base: float = 60, more: str = "") -> None:
        """Save the files and wait until they are served."""
        first, second = (service.port for service in self.services)
        text = FILES.format(port=self.port, first=first, second=second, base=base, more=more)
        new = self.conf / ".museum.new"
        new.write_text(text)
        new.rename(self.conf / "museum.yaml")
        self.saved += 1
        if self.saved == 1:
            self.gateway.start()
        self.gateway.wait_for_revision(self.saved)

    def states(self) -> dict[str, str]:
        """Return what the gateway thinks of each target."""
        shown = json.loads(self.gateway.page("/upstreams").body)["targets"]
        return {each["target"]: each["workers"]["0"] for each in shown}

    def wait_for(self, service: ServiceProcess, state: str) -> None:
        wait_until(
            lambda: self.states().get(f"127.0.0.1:{service.port}") == state,
            seconds=10,
            what=f"{state}; the log says\n{self.gateway.log[-2000:]}",
        )

    def asked(self, times: int = 20) -> set[str]:
        return {call(self.port, "/museum/x").body.decode() for _ in range(times)}

    def end(self) -> None:
        self.gateway.kill()
        for service in self.services:
            service.kill()


@pytest.fixture
def kit(tmp_path: Path, port: int) -> Iterator[Kit]:
    made = Kit(tmp_path, port)
    yield made
    made.end()


class Load:
    """Callers that ask one request after the other, each on its own kept connection."""

    def __init__(self, port: int, callers: int = 4) -> None:
        self._port = port
        self._end = threading.Event()
        self.statuses: Counter[int] = Counter()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(callers)]
        for thread in self._threads:
            thread.start()

    def _call(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=20)
        while not self._end.is_set():
            connection.request("GET", "/museum/x")
            response = connection.getresponse()
            response.read()
            self.statuses[response.status] += 1
            time.sleep(0.002)
        connection.close()

    def end(self) -> Counter[int]:
        self._end.set()
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()
        return self.statuses


def test_one_of_two_is_killed_under_load_and_comes_back(kit: Kit) -> None:
    kit.save(base=1)
    assert kit.asked() == {"first", "second"}
    doomed, staying = kit.services
    load = Load(kit.port)
    time.sleep(0.5)
    doomed.kill()
    kit.wait_for(doomed, "ejected")
    time.sleep(0.5)
    statuses = load.end()
    assert {*statuses} == {200}, statuses
    assert statuses[200] > 100
    metrics = kit.gateway.page("/metrics").body.decode()
    values = {
        line.partition('target="')[2].partition('"')[0]: line.rpartition(" ")[2]
        for line in metrics.splitlines()
        if line.startswith("portico_upstream_healthy{")
    }
    assert values == {f"127.0.0.1:{doomed.port}": "0.0", f"127.0.0.1:{staying.port}": "1.0"}
    kit.services[0] = ServiceProcess("first", doomed.port)
    kit.wait_for(doomed, "healthy")
    wait_until(lambda: kit.asked() == {"first", "second"}, seconds=10, what="the first in service again")
    told = [event["event"] for name in ("target_ejected", "target_restored") for event in kit.gateway.events(name)]
    assert {*told} == {"target_ejected", "target_restored"}
    assert len(told) < 20, "one line for each change"


def test_a_target_that_is_out_stays_out_when_the_files_change(kit: Kit) -> None:
    kit.save()
    doomed, _ = kit.services
    doomed.kill()
    for _ in range(6):
        assert call(kit.port, "/museum/x").status == 200
    kit.wait_for(doomed, "ejected")
    for more in ("balance: {policy: least_active}", "timeouts: {connectSeconds: 1}", "weight: 7"):
        kit.save(more=more)
        kit.wait_for(doomed, "ejected")
        assert kit.asked() == {"second"}
    assert len(kit.gateway.events("target_ejected")) == 1


def test_checks_find_a_target_that_nobody_asks(kit: Kit) -> None:
    kit.save(more="healthCheck: {path: /healthz, intervalSeconds: 0.2, unhealthyAfter: 2, healthyAfter: 1}")
    doomed, staying = kit.services
    kit.wait_for(doomed, "healthy")
    doomed.kill()
    kit.wait_for(doomed, "unhealthy")
    kit.wait_for(staying, "healthy")
    assert kit.asked() == {"second"}
    kit.services[0] = ServiceProcess("first", doomed.port)
    kit.wait_for(doomed, "healthy")
    assert kit.asked() == {"first", "second"}
    (told,) = kit.gateway.events("target_unhealthy")
    assert (told["service"], told["reason"]) == ("museum-exhibits", "upstream_refused")
