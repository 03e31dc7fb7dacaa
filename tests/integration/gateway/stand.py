"""A real gateway with one API for each policy under test, configured by files, and a service that says what it saw."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.integration.gateway.conftest import POLICIES, GatewayProcess
from tests.stack import free_ports

_API = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: {name}}}
spec:
  address: http://127.0.0.1:{port}/{name}
  services: {{seen: {{address: "http://127.0.0.1:{service}", {more}}}}}
  policies:{policies}
---
"""


@dataclass(frozen=True)
class Seen:
    """One request as the service saw it, names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """One answer as the caller saw it. A header that came twice is joined by a comma."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of a problem."""
        return str(json.loads(self.body)["code"])


@dataclass
class Said:
    """What the service answers: pieces are sent as chunks, bytes with their length."""

    body: bytes | Iterable[bytes] = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200


class Service:
    """Records what it gets and answers what it is told to."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.say: Callable[[Seen], Said] = lambda seen: Said()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body together

            def _answer(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, self._body(headers))
                service.seen.append(seen)
                said = service.say(seen)
                self.send_response(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                bodiless = self.command == "HEAD" or said.status in (204, 304)
                if isinstance(said.body, bytes):
                    if said.status != 204 and "content-length" not in {name.lower() for name in said.headers}:
                        self.send_header("content-length", str(len(said.body)))
                    self.end_headers()
                    if not bodiless:
                        self.wfile.write(said.body)
                    return
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for piece in said.body:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

            def _body(self, headers: dict[str, str]) -> bytes:
                if "chunked" not in headers.get("transfer-encoding", ""):
                    return self.rfile.read(int(headers.get("content-length", 0)))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Stand:
    """The running gateway. The API of a policy is at the path of its name."""

    gateway: GatewayProcess
    service: Service
    port: int

    def ask(
        self,
        path: str,
        headers: dict[str, str] | None = None,
        *,
        method: str = "GET",
        body: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """Ask on a connection of its own. A body in pieces is sent as chunks."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            given = {} if headers is None else headers
            chunked = body is not None and not isinstance(body, bytes)
            connection.request(
                method, path, body, given | {"Transfer-Encoding": "chunked"} if chunked else given,
                encode_chunked=chunked,
            )  # fmt: skip
            answer = connection.getresponse()
            found: dict[str, str] = {}
            for name, value in answer.getheaders():
                name = name.lower()
                found[name] = f"{found[name]}, {value}" if name in found else value
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()


@contextmanager
def standing(
    folder: Path,
    policies: dict[str, str],
    *,
    more: str = "",
    extra: str = "",
    workers: int = 1,
    environment: dict[str, str] | None = None,
) -> Iterator[Stand]:
    """Start a gateway with these APIs. `more` are settings of their service, `extra` is one more document."""
    service, (port,) = Service(), free_ports(1)
    files = folder / "files"
    files.mkdir()
    text = "".join(
        _API.format(name=name, port=port, service=service.port, more=more, policies=yaml)
        for name, yaml in policies.items()
    )
    (files / "apis.yaml").write_text(text + extra)
    gateway = GatewayProcess(
        folder, config=files, workers=workers,
        environment={"PORTICO_POLICIES": str(POLICIES), **(environment or {})},
    )  # fmt: skip
    try:
        gateway.start()
        gateway.wait_for_revision(1)
        yield Stand(gateway, service, port)
    finally:
        gateway.kill()
        service.close()
