"""A forward proxy over real sockets: tunnels for TLS, absolute form for plain text, and who is refused."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import pytest
from msgspec import structs

from gateway_runtime.http.limits import Limits
from gateway_runtime.schema.document import ForwardProxy, UpstreamTls
from gateway_runtime.upstream.proxy import Proxy
from gateway_runtime.upstream.resolving import NameServers
from tests.certificates import Authority
from tests.integration.gateway.upstreams import LOOPS, answering, gateway, name_server, server_context, serving

pytestmark = pytest.mark.integration

AUTHORITY = Authority()
ADA = b"proxy-authorization: Basic YWRhOnNlc2FtZQ=="


@pytest.fixture(params=[*LOOPS])
def run(request: pytest.FixtureRequest) -> Any:
    return LOOPS[request.param]


class ForwardingProxy:
    """A proxy that sends everything to one port, whatever is asked for. `heads` is what it was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heads: list[bytes] = []
        self.granted = b"HTTP/1.1 200 Connection established\r\n\r\n"

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if ADA not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        to_service, from_gateway = await asyncio.open_connection("127.0.0.1", self.port)
        if head.startswith(b"CONNECT "):
            writer.write(self.granted)
        else:
            from_gateway.write(head)
        await asyncio.gather(_copy(reader, from_gateway), _copy(to_service, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def behind_proxy(tls: Any = None, *, password: str = "sesame", allow_private: bool = True, **more: Any) -> Any:
    async with serving(answering("hi"), tls=tls) as port:
        proxy = ForwardingProxy(port)
        async with serving(proxy) as proxy_port:
            definition = ForwardProxy(address=f"http://127.0.0.1:{proxy_port}", username="ada", password=password)
            checked = Proxy(structs.replace(definition, **more))
            async with gateway(proxy=checked, allow_private=allow_private) as made:
                yield made, proxy


@contextmanager
def swallowing(port: int) -> Iterator[str]:
    """Yield an address that takes connections up without ever answering: its queue is full."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.3", port))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.3", port))
        yield "127.0.0.3"


@pytest.mark.parametrize("secure", [False, True])
def test_an_address_of_the_proxy_that_swallows_everything_leaves_time_for_the_next(run: Any, secure: bool) -> None:
    async def scenario() -> None:
        pair = AUTHORITY.issue("orders.example")
        tls = UpstreamTls(trusted_ca=AUTHORITY.pem)
        settings: dict[str, Any] = {"scheme": "https", "tls": tls} if secure else {}
        async with (
            serving(answering("hi"), tls=server_context(pair) if secure else None) as port,
            serving(ForwardingProxy(port)) as proxy_port,
            name_server() as (names, address),
        ):
            proxy = Proxy(ForwardProxy(address=f"http://proxy.example:{proxy_port}", username="ada", password="sesame"))
            limits = Limits(connect_seconds=1.5)
            with swallowing(proxy_port) as nowhere:
                names.addresses = [nowhere, "127.0.0.1"]
                async with gateway(proxy=proxy, limits=limits, lookup=NameServers([address])) as made:
                    made.serve([8443], host="orders.example", **settings)
                    for _ in range(2):
                        assert await made.ask() == (200, "hi")

    run(scenario())


def test_plain_text_is_asked_for_in_absolute_form(run: Any) -> None:
    async def scenario() -> None:
        async with behind_proxy() as (made, proxy):
            made.serve([8080], host="orders.example")
            assert await made.ask() == (200, "hi")
            assert await made.ask() == (200, "hi")
            assert len(proxy.heads) == 1, "the connection is kept"
            assert proxy.heads[0].startswith(b"GET http://orders.example:8080/x HTTP/1.1\r\n")
            assert b"\r\nhost: orders.example:8080\r\n" in proxy.heads[0]

    run(scenario())


def test_tls_goes_through_a_tunnel_and_the_proxy_sees_nothing_of_it(run: Any) -> None:
    async def scenario() -> None:
        pair = AUTHORITY.issue("orders.example")
        async with behind_proxy(server_context(pair)) as (made, proxy):
            made.serve([443], host="orders.example", scheme="https", tls=UpstreamTls(trusted_ca=AUTHORITY.pem))
            assert await made.ask() == (200, "hi")
            assert await made.ask() == (200, "hi")
            (head,) = proxy.heads
            assert head.startswith(b"CONNECT orders.example:443 HTTP/1.1\r\n")
            assert b"/x" not in head
            made.serve([443], host="stock.example", scheme="https", tls=UpstreamTls(trusted_ca=AUTHORITY.pem))
            status, body = await made.ask()
            assert (status, "upstream_tls_failed" in body) == (502, True), "the certificate is for another host"

    run(scenario())


def test_what_a_proxy_says_behind_its_grant_is_not_the_service(run: Any) -> None:
    async def scenario() -> None:
        async with behind_proxy(server_context(AUTHORITY.issue("orders.example"))) as (made, proxy):
            proxy.granted += b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"
            made.serve([443], host="orders.example", scheme="https", tls=UpstreamTls(trusted_ca=AUTHORITY.pem))
            status, body = await made.ask()
            assert (status, "upstream_proxy_failed" in body) == (502, True)

    run(scenario())


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_proxy_that_does_not_know_us_lets_nothing_through(run: Any, scheme: str) -> None:
    async def scenario() -> None:
        async with behind_proxy(password="wrong") as (made, _):
            made.serve([443], host="orders.example", scheme=scheme)
            status, body = await made.ask()
            # In plain text the proxy answers in the place of the service, and its answer is passed on.
            assert (status, "upstream_proxy_failed" in body) == ((502, True) if scheme == "https" else (407, False))

    run(scenario())


def test_a_proxy_that_is_not_there(run: Any) -> None:
    async def scenario() -> None:
        async with serving() as port:
            pass
        async with gateway(proxy=Proxy(ForwardProxy(address=f"http://127.0.0.1:{port}"))) as made:
            for scheme in ("https", "http"):
                made.serve([443], host="orders.example", scheme=scheme)
                status, body = await made.ask()
                assert (status, "upstream_proxy_failed" in body) == (502, True)

    run(scenario())


def test_hosts_of_the_list_are_reached_directly(run: Any) -> None:
    async def scenario() -> None:
        async with behind_proxy(no_proxy=["127.0.0.0/8"]) as (made, proxy):
            made.serve([proxy.port])
            assert await made.ask() == (200, "hi")
            assert proxy.heads == []

    run(scenario())


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "127.1", "localhost", "redis", "a.internal"]
)
def test_a_proxy_is_no_way_around_the_check_of_addresses(run: Any, host: str) -> None:
    async def scenario() -> None:
        async with behind_proxy(allow_private=False) as (made, proxy):
            made.serve([80], host=host)
            status, body = await made.ask()
            assert (status, "upstream_address_refused" in body) == (502, True)
            assert proxy.heads == []
            made.serve([80], host="orders.example")
            assert await made.ask() == (200, "hi")

    run(scenario())
