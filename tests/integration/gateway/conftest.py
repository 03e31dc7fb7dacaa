"""A real gateway process, a service behind it, and the small document that joins them."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway_runtime.schema.document import (
    ApiInstance,
    Document,
    Listener,
    PolicyBinding,
    Route,
    Service,
    Target,
)
from tests.integration.conftest import RedisServer
from tests.integration.publisher import Publisher
from tests.stack import ROOT, free_ports, wait_until


class Answer(NamedTuple):
    """What a caller got."""

    status: int
    headers: dict[str, str]
    body: bytes


def call(port: int, path: str, headers: dict[str, str] | None = None) -> Answer:
    """Make one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


class _Backend(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/slow/"):
            time.sleep(float(self.path.rsplit("/", 1)[1]))
        body = json.dumps({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="session")
def backend() -> Iterator[int]:
    """Return the port of a service that says what it was asked; `/slow/SECONDS` takes its time."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Backend)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


# Custom policies for gateways of tests.
POLICIES = Path(__file__).with_name("policies")


class GatewayProcess:
    """A gateway as an operator starts it."""

    def __init__(
        self,
        folder: Path,
        registration: Path | None = None,
        *,
        config: Path | None = None,
        workers: int = 2,
        environment: dict[str, str] | None = None,
        arguments: Sequence[str] = (),
        cwd: Path = ROOT,
    ) -> None:
        self.state = folder / "state"
        self._log = folder / "gateway.log"
        self._origin = ("--registration", str(registration)) if registration else ("--config", str(config))
        self._environment = environment or {}
        self._workers = workers
        self._arguments = arguments
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None
        self.admin = 0

    def start(self) -> "GatewayProcess":
        """Start it and wait until its admin port answers."""
        self._log.write_bytes(b"")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, cwd=self._cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=_clean_environment() | self._environment,
            )  # fmt: skip
        self.admin = wait_until(self._admin_port, seconds=15, what="the admin port")
        return self

    @property
    def command(self) -> list[str]:
        """Return the command that starts it."""
        return [
            sys.executable, "-m", "gateway_runtime", *self._origin,
            "--workers", str(self._workers), "--admin", "127.0.0.1:0", "--state", str(self.state), *self._arguments,
        ]  # fmt: skip

    def _admin_port(self) -> int:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        return next((line["port"] for line in self.events("admin_listening")), 0)

    @property
    def log(self) -> str:
        """Return what it has logged."""
        return self._log.read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return its log lines of one event."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if line["event"] == name]

    def page(self, path: str) -> Answer:
        """Return an admin page."""
        return call(self.admin, path)

    def revision(self) -> dict[str, Any]:
        """Return what it runs."""
        return json.loads(self.page("/revision").body)

    def wait_for_revision(self, number: int) -> None:
        """Wait until every worker serves a revision."""
        wait_until(
            lambda: (
                (shown := self.revision())["revision"] == number
                and len(shown["workers"]) == self._workers
                and all(worker["revision"] == number for worker in shown["workers"])
            ),
            seconds=15,
            what=f"revision {number}; the log says\n{self.log[-3000:]}",
        )

    def worker_pids(self) -> list[int]:
        """Return the process ids of its workers."""
        return [worker["pid"] for worker in self.revision()["workers"]]

    def terminate(self) -> None:
        """Ask it to end."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Return its exit status."""
        assert self._process is not None
        return self._process.wait(timeout=40)

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PORTICO_")}


@pytest.fixture
def publisher(redis_server: RedisServer) -> Publisher:
    """Return a publisher for a new gateway."""
    return Publisher(redis_server.client(), redis_server.url)


@pytest.fixture
def gateway(publisher: Publisher, tmp_path: Path) -> Iterator[GatewayProcess]:
    """Return a running gateway with two workers that has no configuration yet."""
    process = GatewayProcess(tmp_path, publisher.write_registration(tmp_path / "registration.yaml"))
    process.start()
    yield process
    if process._process is not None and process._process.poll() is None:
        process.terminate()
        try:
            process.wait()
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture
def port() -> int:
    """Return a free port for a listener."""
    return free_ports(1)[0]


def api(
    backend: int,
    *,
    id: str = "orders",
    base_path: str = "/orders",
    listener: str = "public",
    policies: list[PolicyBinding] | None = None,
) -> ApiInstance:
    """Return an API that sends everything to the backend."""
    return ApiInstance(
        id=id,
        name=f"{id} API",
        listener=listener,
        base_path=base_path,
        services=[Service(id=f"{id}-service", name=id, targets=[Target(host="127.0.0.1", port=backend)])],
        routes=[Route(id=f"{id}-route", name="all", service=f"{id}-service")],
        policies=policies or [],
    )


def document(publisher: Publisher, port: int, *apis: ApiInstance, **more: Any) -> Document:
    """Return a document with one listener."""
    return Document(
        gateway=publisher.gateway,
        name="edge",
        allow_private_targets=True,
        listeners=[Listener(id="public", name="public", port=port, host="127.0.0.1")],
        apis=list(apis),
        **more,
    )


def password(password: str = "sesame") -> PolicyBinding:
    """Return a basic authentication binding for the user ada."""
    config = {"username": "ada", "password": password}
    return PolicyBinding(id="binding-password", policy="http-basic-authentication-flex", order=1, config=config)
