"""Logs of a real gateway at the other end of a network: each way of sending, collectors that fail, one that hangs."""

import gzip
import json
import re
import socket
import socketserver
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.certificates import Authority
from tests.integration.gateway.conftest import GatewayProcess, call
from tests.integration.gateway.test_log_outputs import FILES
from tests.integration.gateway.upstreams import server_context
from tests.stack import wait_until

pytestmark = pytest.mark.integration

LOGS = """\
---
apiVersion: gateway.mulesoft.com/v1beta1
kind: Configuration
metadata: {{name: logs}}
spec:
  {more}
  logging:
    outputs: [{{name: away, type: {kind}, parameters: {parameters}}}]
    runtimeLogs: {{outputs: [away]}}
    accessLogs: {{enabled: true, outputs: [away]}}
"""


class Collected:
    """What has arrived, whole messages in whatever order."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.heads: list[tuple[str, dict[str, str]]] = []
        self.statuses: list[int] = []
        self.connections = 0
        self.hanging_up = False

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(message) for message in list(self.messages)]

    def paths(self) -> list[str]:
        return sorted(line["url.path"] for line in self.lines() if "url.path" in line)


@contextmanager
def served(server: Any) -> Iterator[int]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def taking_posts(found: Collected, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = found.statuses.pop(0) if found.statuses else 204
            found.heads.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            if self.headers["content-encoding"] == "gzip":
                body = gzip.decompress(body)
            if status < 300:
                several = json.loads(body) if body[:1] == b"[" else [json.loads(line) for line in body.splitlines()]
                found.messages += [json.dumps(each).encode() for each in several]
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with served(server) as port:
        yield port


@contextmanager
def taking_lines(found: Collected, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            found.connections += 1
            for line in iter(self.rfile.readline, b""):
                found.messages.append(line.rstrip(b"\n"))
                if found.hanging_up:
                    return

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with served(server) as port:
        yield port


@contextmanager
def taking_datagrams(found: Collected) -> Iterator[int]:
    class Handler(socketserver.DatagramRequestHandler):
        def handle(self) -> None:
            found.messages.append(self.rfile.read())

    with served(socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


@contextmanager
def taking_forwarded(found: Collected) -> Iterator[int]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            held = b""
            while data := self.request.recv(65_536):
                held += data
                try:
                    tag, entries = msgspec.msgpack.decode(held)
                except msgspec.DecodeError:
                    continue
                held = b""
                for at, record in entries:
                    assert abs(at - time.time()) < 60
                    found.messages.append(json.dumps({**record, "tag": tag}).encode())

    with served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


Start = Callable[..., GatewayProcess]


@pytest.fixture
def start(tmp_path: Path, port: int, backend: int) -> Iterator[Start]:
    """Return what starts a gateway that logs to a collector."""
    gateway = GatewayProcess(tmp_path, config=tmp_path / "api.yaml", environment={"PASSWORD": "sesame"})

    def start(kind: str, parameters: str, more: str = "") -> GatewayProcess:
        text = FILES.format(port=port, backend=backend) + LOGS.format(kind=kind, parameters=parameters, more=more)
        (tmp_path / "api.yaml").write_text(text)
        gateway.start()
        wait_until(lambda: gateway.revision()["revision"] == 1, seconds=30, what=f"the revision\n{gateway.log}")
        return gateway

    yield start
    gateway.kill()


def ask(port: int, many: int = 20) -> list[str]:
    asked = [f"/a/{number}" for number in range(many)]
    for path in asked:
        assert call(port, path).status == 200
    return sorted(asked)


def arrive(found: Collected, paths: list[str]) -> None:
    wait_until(lambda: len(found.paths()) >= len(paths), seconds=30, what=f"the lines; {found.messages[-3:]}")
    assert found.paths() == paths


def dropped(gateway: GatewayProcess) -> float:
    text = gateway.page("/metrics").body.decode()
    counts = re.findall(r'^portico_access_log_lines_total\{[^}]*outcome="dropped"[^}]*\} (\S+)', text, re.MULTILINE)
    return sum(map(float, counts))


@pytest.mark.parametrize("form", ["json", "json_lines"])
def test_lines_are_posted(start: Start, port: int, form: str) -> None:
    found = Collected()
    with taking_posts(found) as collector:
        start(
            "http",
            f"{{port: {collector}, uri: '/take?a=b', format: {form}, header: [X-Key abc], compress: gzip, "
            "http_user: ada, http_passwd: $PASSWORD}",
        )
        arrive(found, ask(port))
        assert "revision_applied" in {line.get("event") for line in found.lines()}
    path, headers = found.heads[0]
    assert path == "/take?a=b"
    assert headers["x-key"] == "abc"
    assert headers["authorization"] == "Basic " + b64encode(b"ada:sesame").decode()
    assert headers["content-type"] == "application/json"


def test_a_collector_that_is_busy_is_asked_again_and_one_that_refuses_is_not(start: Start, port: int) -> None:
    found = Collected()
    with taking_posts(found) as collector:
        gateway = start("http", f"{{port: {collector}}}")
        wait_until(lambda: found.lines(), seconds=30, what="the first lines")
        found.statuses = [503]
        arrive(found, ask(port, 3))
        found.statuses = [400]
        before = len(found.heads)
        call(port, "/refused")
        wait_until(lambda: dropped(gateway) == 1, seconds=30, what="the counted line")
        assert len(found.heads) == before + 1


def test_posts_go_through_the_forward_proxy(start: Start, port: int) -> None:
    found = Collected()
    # The proxy is what is spoken to; it hears of the collector.
    with taking_posts(found) as proxy:
        start(
            "http",
            "{host: logs.example, port: 8080, uri: /take}",
            f"forwardProxy: {{https: {{address: 'http://127.0.0.1:{proxy}', basicAuth: {{username: a, password: b}}}}, "
            "noProxy: [127.0.0.1]}",
        )
        arrive(found, ask(port, 3))
    path, headers = found.heads[0]
    assert (path, headers["host"]) == ("http://logs.example:8080/take", "logs.example:8080")
    assert headers["proxy-authorization"] == "Basic " + b64encode(b"a:b").decode()


def test_lines_go_over_tcp_and_on_a_new_connection_once_the_first_has_gone(start: Start, port: int) -> None:
    found = Collected()
    with taking_lines(found) as collector:
        gateway = start("tcp", f"{{port: {collector}, format: json_lines}}")
        asked = ask(port)
        arrive(found, asked)
        before = found.connections
        # One for each process.
        assert before <= 3
        for number in range(3):
            found.hanging_up = True
            call(port, path := f"/b/{number}")
            asked.append(path)
            arrive(found, asked)
        assert found.connections > before
        assert dropped(gateway) == 0


@pytest.mark.parametrize(("kind", "taking"), [("tcp", taking_lines), ("http", taking_posts)])
def test_lines_go_over_tls_to_a_collector_that_is_known_by_the_name_that_is_given(
    start: Start, port: int, tmp_path: Path, kind: str, taking: Any
) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_text(authority.pem)
    found = Collected()
    with taking(found, server_context(authority.issue("logs.example"))) as collector:
        start(kind, f"{{port: {collector}, tls: on, tls.ca_file: {tmp_path}/ca.pem, tls.vhost: logs.example}}")
        arrive(found, ask(port))


def test_a_collector_with_another_certificate_gets_nothing(start: Start, port: int, tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_text(Authority("Other").pem)
    found = Collected()
    with taking_lines(found, server_context(authority.issue("logs.example"))) as collector:
        gateway = start(
            "tcp", f"{{port: {collector}, tls: on, tls.ca_file: {tmp_path}/ca.pem, tls.vhost: logs.example}}"
        )
        ask(port, 3)
        wait_until(lambda: dropped(gateway) == 3, seconds=30, what="the counted lines")
    assert found.messages == []


def test_each_line_is_a_datagram(start: Start, port: int) -> None:
    found = Collected()
    with taking_datagrams(found) as collector:
        start("udp", f"{{port: {collector}}}")
        arrive(found, ask(port))


@pytest.mark.parametrize("mode", ["udp", "tcp"])
def test_lines_are_messages_of_syslog(start: Start, port: int, mode: str) -> None:
    raw, found = Collected(), Collected()
    with (taking_datagrams if mode == "udp" else taking_lines)(raw) as collector:
        start(
            "syslog", f"{{port: {collector}, mode: {mode}, syslog_facility_preset: 16, syslog_hostname_preset: edge}}"
        )
        asked = ask(port)

        def heard() -> bool:
            found.messages = [message.split(b" - - ", 1)[1] for message in list(raw.messages)]
            return len(found.paths()) >= len(asked)

        wait_until(heard, seconds=30, what=f"the lines; {raw.messages[-3:]}")
        assert found.paths() == asked
    form = rb"<134>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z edge portico \d+ - - \{.*\}"
    assert all(re.fullmatch(form, message) for message in raw.messages if b'"log.level":"info"' in message)


def test_lines_go_in_the_forward_protocol(start: Start, port: int) -> None:
    found = Collected()
    with taking_forwarded(found) as collector:
        start("forward", f"{{port: {collector}, tag: edge.logs}}")
        arrive(found, ask(port))
    assert {line["tag"] for line in found.lines()} == {"edge.logs"}


def test_a_collector_that_hangs_costs_lines_and_no_time(start: Start, port: int) -> None:
    with socket.socket() as hanging:
        hanging.bind(("127.0.0.1", 0))
        hanging.listen(1)
        gateway = start("http", f"{{port: {hanging.getsockname()[1]}}}")
        took = []
        for number in range(200):
            began = time.monotonic()
            assert call(port, f"/a/{number}").status == 200
            took.append(time.monotonic() - began)
        assert sorted(took)[190] < 0.5
        gateway.terminate()
        # It does not wait for it at the end either.
        assert gateway.wait() == 0


def test_a_collector_that_is_not_there_is_told_and_lines_are_counted(start: Start, port: int) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gateway = start("tcp", f"{{port: {nobody.getsockname()[1]}}}")
        ask(port, 3)
        wait_until(lambda: dropped(gateway) == 3, seconds=30, what="the counted lines")
        assert "The log cannot be written: " in gateway.log
