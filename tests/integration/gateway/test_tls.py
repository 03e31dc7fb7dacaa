"""TLS of real listeners: two worker processes, Python's own TLS on the other side."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway_runtime.schema.document import Certificate, Document, Listener, Tls
from tests.certificates import Authority, Pair
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import Answer, GatewayProcess, api, call, document
from tests.integration.publisher import Publisher
from tests.stack import free_ports, wait_until

AUTHORITY = Authority()
PARTNERS = Authority("Partners")
SHOP = AUTHORITY.issue("shop.example")
BANK = AUTHORITY.issue("bank.example", "*.bank.example")
# How a caller learns that it is not let in: by a word of TLS, or by the end of the connection.
REFUSED = (ssl.SSLError, ConnectionError, http.client.BadStatusLine)
TRUST = {"require_client_certificate": True, "trusted_ca": PARTNERS.pem}


def tls(*pairs: Pair, **more: Any) -> Tls:
    chosen = pairs or (SHOP, BANK)
    return Tls(certificates=[Certificate(certificate=pair.certificate, key=pair.key) for pair in chosen], **more)


def with_tls(publisher: Publisher, port: int, backend: int, settings: Tls | None) -> Document:
    made = document(publisher, port, api(backend))
    return msgspec.structs.replace(
        made, listeners=[Listener(id="public", name="public", port=port, host="127.0.0.1", tls=settings)]
    )


class Edge:
    """A running gateway whose one listener has TLS."""

    def __init__(self, gateway: GatewayProcess, publisher: Publisher, port: int, backend: int) -> None:
        self.gateway, self.publisher, self.port, self._backend = gateway, publisher, port, backend
        self._served: Tls | None = None

    def publish(self, settings: Tls | None) -> int:
        """Publish the listener with these settings."""
        self._served = settings
        return self.publisher.publish(with_tls(self.publisher, self.port, self._backend, settings))

    def serve(self, settings: Tls | None) -> None:
        """Publish the listener and wait until both workers have it."""
        self.gateway.wait_for_revision(self.publish(settings))

    def begin(self) -> None:
        """Serve the usual settings, if a test has left others."""
        if self._served != tls():
            self.serve(tls())

    @contextmanager
    def connected(self, caller: ssl.SSLContext, name: str | None = "shop.example") -> Iterator[ssl.SSLSocket]:
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain,
            caller.wrap_socket(plain, server_hostname=name) as connection,
        ):
            yield connection

    def ask(
        self,
        caller: ssl.SSLContext | None = None,
        name: str | None = "shop.example",
        *lines: str,
        path: str = "/orders/1",
    ) -> Answer:
        """Make one request on a connection of its own."""
        with self.connected(caller or client(), name) as connection:
            return exchange(connection, *lines, path=path)

    def shown(self, name: str | None) -> list[str]:
        """Return the names in the certificate that a caller is shown."""
        with self.connected(client(), name) as connection:
            return names_shown(connection)


def exchange(connection: ssl.SSLSocket, *lines: str, path: str = "/orders/1") -> Answer:
    """Make one request on a connection."""
    head = [f"GET {path} HTTP/1.1", "Host: shop.example", *lines, "", ""]
    connection.sendall("\r\n".join(head).encode())
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def names_shown(connection: ssl.SSLSocket) -> list[str]:
    shown: Any = connection.getpeercert()
    return [name for _, name in shown["subjectAltName"]]


def client(shown: Pair | None = None, folder: Path | None = None, version: str = "") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=AUTHORITY.pem)
    context.check_hostname = False
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    if shown is not None and folder is not None:
        path = folder / "client.pem"
        path.write_text(shown.certificate + shown.key)
        context.load_cert_chain(path)
    return context


@pytest.fixture(scope="module")
def shared_edge(backend: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Return one gateway for all tests of this file: starting one takes longer than most of them."""
    folder = tmp_path_factory.mktemp("edge")
    redis = RedisServer(folder)
    redis.start()
    publisher = Publisher(redis.client(), redis.url)
    process = GatewayProcess(folder, publisher.write_registration(folder / "registration.yaml"))
    try:
        yield Edge(process.start(), publisher, free_ports(1)[0], backend)
        process.terminate()
        assert process.wait() == 0
    finally:
        process.kill()
        redis.kill()


@pytest.fixture
def edge(shared_edge: Edge) -> Edge:
    shared_edge.begin()
    return shared_edge


def headers_sent(answer: Answer) -> dict[str, str]:
    """Return the headers that the service was sent."""
    assert answer.status == 200, answer
    return json.loads(answer.body)["headers"]


# Requests


def test_a_request_is_answered_and_the_service_knows_that_it_came_by_tls(edge: Edge) -> None:
    assert headers_sent(edge.ask())["x-forwarded-proto"] == "https"


def test_headers_that_pose_as_a_client_certificate_do_not_pass(edge: Edge) -> None:
    forged = (
        "X-Client-Cert", "X-Client-Certificate", "Client-Cert", "Client-Cert-Chain", "X-Forwarded-Client-Cert",
        "X-SSL-Client-Verify", "X-SSL-Client-S-DN", "X-SSL-Cert", "SSL-Client-Cert", "X-TLS-Client-Cert",
        "X-Amzn-Mtls-Clientcert", "X-ARR-ClientCert", "X-Forwarded-Proto", "X-Client_Cert",
    )  # fmt: skip
    sent = headers_sent(edge.ask(None, "shop.example", *(f"{name}: forged" for name in forged)))
    assert not [name for name, value in sent.items() if "forged" in value]


def test_a_connection_takes_many_requests(edge: Edge) -> None:
    with edge.connected(client()) as connection:
        assert [exchange(connection).status for _ in range(50)] == [200] * 50


def test_a_refused_head_is_answered_and_the_connection_closed_at_once(edge: Edge) -> None:
    with edge.connected(client()) as connection:
        connection.sendall(b"GET /orders/../x HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        began = time.monotonic()
        received = b"".join(iter(lambda: connection.recv(4096), b""))
        assert received.startswith(b"HTTP/1.1 400 ")
        assert time.monotonic() - began < 1


# What is spoken


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_new_versions_are_spoken(edge: Edge, version: str) -> None:
    assert edge.ask(client(version=version)).status == 200


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_are_refused(edge: Edge, version: str) -> None:
    caller = client(version=version)
    caller.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(REFUSED):
        edge.ask(caller)


def test_weak_suites_are_refused(edge: Edge) -> None:
    caller = client(version="TLSv1_2")
    caller.set_ciphers("ECDHE-ECDSA-AES128-SHA")
    with pytest.raises(REFUSED):
        edge.ask(caller)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("shop.example", "shop.example"),
        ("eu.bank.example", "bank.example"),
        ("unknown.example", "shop.example"),
        (None, "shop.example"),
    ],
)
def test_the_name_chooses_the_certificate(edge: Edge, asked: str | None, shown: str) -> None:
    assert edge.shown(asked)[0] == shown


# Confusion of plain text and TLS


def heard(port: int, sent: bytes) -> tuple[bytes, float]:
    """Return what a plain connection hears until it is closed, and how long that took."""
    began = time.monotonic()
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(sent)
        try:
            while data := connection.recv(4096):
                received += data
        except ConnectionResetError:
            pass
    return received, time.monotonic() - began


def test_plain_text_on_a_tls_port_is_closed_and_nothing_else_happens(edge: Edge) -> None:
    received, took = heard(edge.port, b"GET /orders/1 HTTP/1.1\r\nHost: shop.example\r\n\r\n")
    assert not received.startswith(b"HTTP/")
    assert took < 1
    assert edge.ask().status == 200


def test_tls_on_a_plain_port_is_closed_and_nothing_else_happens(edge: Edge) -> None:
    edge.serve(None)
    began = time.monotonic()
    with pytest.raises(REFUSED):
        edge.ask()
    assert time.monotonic() - began < 1
    assert call(edge.port, "/orders/1").status == 200


@pytest.mark.parametrize("name", [b"\xff\xfe.example", b"shop\0.example", b"*.bank.example", b"......."])
def test_a_strange_server_name_hurts_nobody(edge: Edge, name: bytes) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    placeholder = "q" * len(name)
    hello = client().wrap_bio(incoming, outgoing, server_hostname=placeholder)
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    sent = outgoing.read()
    assert placeholder.encode() in sent
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as connection:
        connection.sendall(sent.replace(placeholder.encode(), name))
        assert connection.recv(1)[:1] in {b"\x15", b"\x16", b""}
    assert edge.ask().status == 200
    assert "Traceback" not in edge.gateway.log


def test_failed_handshakes_are_counted(edge: Edge) -> None:
    def counted(end: str) -> float:
        text = edge.gateway.page("/metrics").body.decode()
        found = re.search(rf'portico_tls_handshakes_total{{outcome="{end}"}} (\S+)', text)
        return float(found[1]) if found else 0.0

    before = {end: counted(end) for end in ("plain_text", "abandoned")}
    heard(edge.port, b"GET /orders/1 HTTP/1.1\r\nHost: shop.example\r\n\r\n")
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5):
        pass
    for end, count in before.items():
        wait_until(lambda end=end, count=count: counted(end) > count, seconds=5, what=f"{end} in /metrics")


# Client certificates


def test_only_a_certificate_of_the_trusted_authority_gets_in(edge: Edge, tmp_path: Path) -> None:
    edge.serve(tls(**TRUST))
    assert edge.ask(client(PARTNERS.issue("till.example"), tmp_path)).status == 200
    others = [None, PARTNERS.issue("till.example", days=-1), AUTHORITY.issue("till.example")]
    for shown in others:
        for name in ("shop.example", "bank.example", None):
            with pytest.raises(REFUSED):
                edge.ask(client(shown, tmp_path), name)


def test_a_connection_from_before_takes_no_request_once_certificates_are_asked_for(edge: Edge) -> None:
    with edge.connected(client()) as idle, edge.connected(client()) as busy:
        assert exchange(idle).status == 200
        busy.sendall(b"GET /orders/slow/2 HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        edge.serve(tls(**TRUST))
        assert idle.recv(1) == b""
        answer = b"".join(iter(lambda: busy.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer


# From one revision to the next


def test_certificates_change_under_load_without_a_failed_handshake(edge: Edge) -> None:
    seen: list[str] = []
    failed: list[str] = []
    done = threading.Event()

    def shake_hands() -> None:
        while not done.is_set():
            try:
                with edge.connected(client(), None) as connection:
                    seen.append(names_shown(connection)[0])
                    if exchange(connection).status != 200:
                        failed.append("an answer")
            except OSError as error:
                failed.append(repr(error))

    callers = [threading.Thread(target=shake_hands) for _ in range(2)]
    for caller in callers:
        caller.start()
    try:
        for number in range(20):
            edge.serve(tls(SHOP, BANK) if number % 2 else tls(BANK, SHOP))
        wait_until(lambda: len(seen) >= 100, seconds=20, what="a hundred handshakes")
    finally:
        done.set()
        for caller in callers:
            caller.join()
    assert not failed
    assert set(seen) == {"shop.example", "bank.example"}


def test_a_connection_survives_a_new_certificate(edge: Edge) -> None:
    with edge.connected(client()) as connection:
        edge.serve(tls(BANK))
        assert exchange(connection).status == 200
    assert edge.shown("shop.example")[0] == "bank.example"


def test_a_listener_changes_between_plain_text_and_tls(edge: Edge) -> None:
    edge.serve(None)
    assert json.loads(call(edge.port, "/orders/1").body)["headers"]["x-forwarded-proto"] == "http"
    edge.serve(tls())
    assert edge.ask().status == 200


def test_a_certificate_that_cannot_be_used_leaves_the_old_one_also_in_a_new_worker(edge: Edge) -> None:
    spoiled = Certificate(certificate=BANK.certificate, key=SHOP.key)
    number = edge.publish(Tls(certificates=[spoiled]))
    answer = edge.publisher.answer(number)
    assert (answer.state, answer.error_code) == ("applied", "listener_tls_invalid")
    assert answer.error_path == "listeners[0].tls.certificates[0].key"
    assert "does not belong" in answer.message
    edge.gateway.wait_for_revision(number)
    assert edge.shown("shop.example") == ["shop.example"]
    pids = set(edge.gateway.worker_pids())
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(new := set(edge.gateway.worker_pids())) == 2 and not new & pids, seconds=10, what="workers")
    assert edge.shown("shop.example") == ["shop.example"]


def test_a_restart_serves_the_last_revision_that_was_whole(edge: Edge) -> None:
    number = edge.publish(Tls(certificates=[Certificate(certificate=BANK.certificate, key=SHOP.key)]))
    edge.gateway.wait_for_revision(number)
    edge.gateway.terminate()
    edge.gateway.wait()
    edge.gateway.start()
    edge.gateway.wait_for_revision(number)
    assert edge.shown("shop.example") == ["shop.example"]


def test_a_first_certificate_that_cannot_be_used_rejects_the_revision(
    gateway: GatewayProcess, publisher: Publisher, port: int, backend: int
) -> None:
    spoiled = Tls(certificates=[Certificate(certificate=SHOP.certificate, key=BANK.key)])
    answer = publisher.answer(publisher.publish(with_tls(publisher, port, backend, spoiled)))
    assert (answer.state, answer.error_code) == ("rejected", "listener_tls_invalid")
    assert answer.error_path == "listeners[0].tls.certificates[0].key"
    assert "The key does not belong to the certificate" in answer.message
