"""A gateway with a real processor in a process of its own, configured by files as they are documented."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from tests.integration.gateway.conftest import Answer, GatewayProcess
from tests.stack import ROOT, free_ports, wait_until

API = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: {name}}}
spec:
  address: http://127.0.0.1:{port}/{name}
  services: {{backend: {{address: "http://127.0.0.1:{backend}"}}}}
  policies:
    - policyRef: {{name: {policy}}}
      config: {{uri: "h2://127.0.0.1:{processor}", {config}}}
{more}"""
BODIES = "requestBodyMode: buffered, responseBodyMode: buffered"
# By the name of an API: the settings beside the URI.
WAYS = {
    "heads": "messageTimeout: 500",
    "closed": f"messageTimeout: 500, {BODIES}",
    "open": f"messageTimeout: 500, failureModeAllow: true, {BODIES}",
    "patient": "messageTimeout: 400, maxMessageTimeout: 5000",
    "long": f"messageTimeout: 20000, {BODIES}",
    "fixed": "messageTimeout: 500, allowModeOverride: false",
    "locked": "messageTimeout: 500",
    "shadow": "messageTimeout: 500",
    "away": "messageTimeout: 500",
    "away-open": "messageTimeout: 500, failureModeAllow: true",
    "dead": "messageTimeout: 500",
}
LOCK = "    - policyRef: {name: http-basic-authentication-flex}\n      config: {username: ada, password: sesame}\n"


class Echo(BaseHTTPRequestHandler):
    """Says what it was asked. `/break` breaks off, `/wait` never answers."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        asked = self.rfile.read(int(self.headers.get("content-length", 0)))
        told = {"method": self.command, "headers": {k.lower(): v for k, v in self.headers.items()}}
        body = json.dumps(told | {"body": asked.decode()}).encode()
        if self.path.endswith("/wait"):
            self.server.closing.wait(30)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.path.endswith("/break"):
            self.wfile.write(body[:5])
            self.close_connection = True
        elif self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = _answer

    def log_message(self, *arguments: Any) -> None:
        pass


class EchoServer(ThreadingHTTPServer):
    """Waits for nobody who has gone."""

    daemon_threads = True

    def __init__(self) -> None:
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", 0), Echo)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that the gateway has cut."""


class ProcessorProcess:
    """The processor of `processor.py`. `told` is what it has printed."""

    def __init__(self) -> None:
        [self.port] = free_ports(1)
        self.told: list[dict[str, Any]] = []
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.gateway.processor", str(self.port)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        already = len(self.told)
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        wait_until(lambda: len(self.told) > already, seconds=15, what="the processor")

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.told.append(json.loads(line))

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def wait(self) -> None:
        """Wait until it has died."""
        assert self._process is not None
        self._process.wait(timeout=10)

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _of_this_run(self) -> list[dict[str, Any]]:
        told = list(self.told)
        last = max(index for index, each in enumerate(told) if each["event"] == "started")
        return told[last + 1 :]

    def events(self) -> list[dict[str, Any]]:
        """Return what has happened to the call that began last."""
        told = self._of_this_run()
        number = max(each["call"] for each in told)
        return [each for each in told if each["call"] == number]

    def parts(self) -> list[str]:
        """Return which parts the last call has been shown."""
        return [each["event"] for each in self.events() if each["event"] != "over"]

    def shown(self, part: str) -> dict[str, str]:
        """Return the headers that the last call has been shown at a part."""
        [event] = [each for each in self.events() if each["event"] == part]
        return dict(event["headers"])

    def is_idle(self) -> bool:
        """Whether every call since it was started is over."""
        told = self._of_this_run()
        return sum(each["event"] == "over" for each in told) == len({each["call"] for each in told})


class Place(NamedTuple):
    """A gateway, and the processor that it asks."""

    gateway: GatewayProcess
    port: int
    processor: ProcessorProcess

    def call(
        self, path: str, case: str = "plain", headers: dict[str, str] | None = None, body: bytes | None = None,
        method: str = "",
    ) -> Answer:  # fmt: skip
        connection = HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            method = method or ("GET" if body is None else "POST")
            connection.request(method, path, body, {"x-case": case, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()


@contextmanager
def place_with(folder: Path) -> Iterator[Place]:
    """Run a gateway with an API for each way of asking."""
    echo = EchoServer()
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    processor = ProcessorProcess()
    port, nobody = free_ports(2)
    conf = folder / "conf.d"
    conf.mkdir()
    for name, config in WAYS.items():
        text = API.format(
            name=name, port=port, config=config, policy="native-ext-proc" + ("-flex" if name != "heads" else ""),
            backend=nobody if name == "dead" else echo.server_address[1],
            processor=nobody if name.startswith("away") else processor.port,
            more={"locked": LOCK, "shadow": "      mode: shadow\n"}.get(name, ""),
        )  # fmt: skip
        (conf / f"{name}.yaml").write_text(text)
    gateway = GatewayProcess(folder, config=conf, workers=1)
    try:
        processor.start()
        gateway.start()
        gateway.wait_for_revision(1)
        yield Place(gateway, port, processor)
    finally:
        gateway.kill()
        processor.stop()
        echo.closing.set()
        echo.shutdown()
        echo.server_close()
