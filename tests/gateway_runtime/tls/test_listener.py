"""TLS on its way through the gateway: from a revision to the listener, and from a connection to the policies."""

import json
from typing import Any

import pytest

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.document import Document, Listener, Tls, decode, encode
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.upstream.registry import PoolRegistry
from tests.gateway_runtime.fakes import PORT, FakeGateway, FakeTransport, get
from tests.gateway_runtime.tls.base import BANK, PARTNERS, SHOP, settings

SHOWN = PARTNERS.issue("till.example", common_name="till-7")


def document(tls: Tls | None) -> Document:
    return Document(gateway="g", name="edge", listeners=[Listener(id="l1", name="public", port=PORT, tls=tls)])


def spoiled() -> Tls:
    tls = settings(SHOP)
    return Tls(certificates=[type(tls.certificates[0])(certificate=SHOP.certificate, key=BANK.key)])


class FakeConnection:
    """What is left of a handshake."""

    def __init__(self, der: bytes | None) -> None:
        self._der = der

    def getpeercert(self, binary_form: bool) -> bytes | None:
        assert binary_form
        return self._der


class FakeTlsTransport(FakeTransport):
    def __init__(self, der: bytes | None) -> None:
        super().__init__()
        self._connection = FakeConnection(der)

    def can_write_eof(self) -> bool:
        return False

    def write_eof(self) -> None:
        raise NotImplementedError

    def get_extra_info(self, name: str) -> Any:
        return self._connection if name == "ssl_object" else super().get_extra_info(name)


def connect(gateway: FakeGateway, der: bytes | None = None) -> Any:
    client = gateway.client()
    client.transport = FakeTlsTransport(der)
    client.connection.connection_made(client.transport)
    return client


def test_a_document_carries_tls_and_gives_it_back() -> None:
    made = document(settings(min_version="1.3", alpn=()))
    assert decode(encode(made)) == made
    assert "tls" not in json.loads(encode(document(None)))["listeners"][0]


def test_a_revision_has_the_tls_of_its_ports() -> None:
    compiled = Compiler(PoolRegistry()).compile(1, "d", encode(document(settings())))
    assert list(compiled.snapshot.tls) == [PORT]
    assert not Compiler(PoolRegistry()).compile(1, "d", encode(document(None))).snapshot.tls


def test_a_first_revision_with_a_certificate_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(ConfigFault) as refused:
        Compiler(PoolRegistry()).compile(1, "d", encode(document(spoiled())))
    assert (refused.value.code, refused.value.path) == (
        "listener_tls_invalid", "listeners[0].tls.certificates[0].key"
    )  # fmt: skip


def test_a_later_one_tells_which_listener_goes_on_with_what_it_had() -> None:
    compiler = Compiler(PoolRegistry())
    first = compiler.compile(1, "d", encode(document(settings()))).snapshot
    later = compiler.compile(2, "e", encode(document(spoiled())), first)
    assert later.snapshot.tls[PORT] is first.tls[PORT]
    (fault,) = later.faults
    assert (fault.listener, fault.name, fault.code, fault.kept) == (
        "l1",
        "Listener public",
        "listener_tls_invalid",
        True,
    )


def test_a_policy_sees_the_certificate_that_was_shown() -> None:
    seen: list[RequestContext] = []
    gateway = FakeGateway(Binding("p", Handlers(request_headers=seen.append)))
    for client in (connect(gateway, SHOWN.der), connect(gateway), gateway.client()):
        gateway.upstream()
        client.send(get())
    assert [c.client_certificate and c.client_certificate.subject for c in seen] == ["CN=till-7", None, None]


def test_the_service_is_told_that_the_request_came_by_tls() -> None:
    gateway = FakeGateway()
    upstream = gateway.upstream()
    connect(gateway).send(get())
    assert b"\r\nx-forwarded-proto: https\r\n" in upstream.take()


def test_a_refused_head_closes_at_once_because_tls_has_no_half_open_end() -> None:
    client = connect(FakeGateway())
    client.send(b"GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.take().startswith(b"HTTP/1.1 400 ")
    assert client.transport.closed
    assert not client.transport.aborted
