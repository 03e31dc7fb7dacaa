"""A forward proxy: its settings, who is reached through it, and a tunnel that nothing can slip into."""

import asyncio

import pytest
from msgspec import structs

from gateway_runtime.schema.document import ForwardProxy, Service, Target
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.upstream.errors import UpstreamError
from gateway_runtime.upstream.proxy import Proxy, Tunnel, refuse_local_name, tunnel_authority
from gateway_runtime.upstream.registry import PoolRegistry
from tests.gateway_runtime.fakes import FakeTransport, FakeUpstream

PROXY = ForwardProxy(address="http://proxy.example:3128")


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("http://proxy.example:3128", "proxy.example", 3128),
        ("http://10.0.0.1:8080/", "10.0.0.1", 8080),
        ("http://[::1]:3128", "::1", 3128),
        ("http://proxy.example", "proxy.example", 80),
    ],
)
def test_addresses(address: str, host: str, port: int) -> None:
    proxy = Proxy(ForwardProxy(address=address))
    assert (proxy.host, proxy.port) == (host, port)


@pytest.mark.parametrize(
    "address", ["", "proxy:3128", "https://proxy:3128", "http://ada:sesame@proxy:3128", "http://proxy:0", "http://p:99999",
                "http://proxy/path", "socks5://proxy:1080", "http://pro xy:3128", "http://p:3128\r\nX: y"],
)  # fmt: skip
def test_what_is_no_address_of_a_proxy_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        Proxy(ForwardProxy(address=address))
    assert caught.value.path == "forward_proxy.address"
    assert "sesame" not in caught.value.message


def test_a_user_name_with_a_colon_is_refused() -> None:
    with pytest.raises(ConfigFault) as caught:
        Proxy(structs.replace(PROXY, username="a:b", password="c"))
    assert caught.value.path == "forward_proxy.username"


@pytest.mark.parametrize(
    ("entries", "host", "through"),
    [
        ([], "orders.example", True),
        (["*"], "orders.example", False),
        (["orders.example"], "orders.example", False),
        (["orders.example"], "ORDERS.example.", False),
        (["example"], "orders.example", False),
        ([".example"], "orders.example", False),
        (["*.example"], "orders.example", False),
        (["rders.example"], "orders.example", True),
        (["10.0.0.0/8"], "10.9.8.7", False),
        (["10.0.0.0/8"], "11.9.8.7", True),
        (["10.0.0.1"], "10.0.0.1", False),
        (["fd00::/8"], "fd00::1", False),
        (["10.0.0.0/8"], "orders.example", True),
        (["10.1"], "10.0.0.1", True),
        (["10.0.0.0/8"], "orders.1", True),
    ],
)
def test_hosts_that_are_reached_directly(entries: list[str], host: str, through: bool) -> None:
    assert Proxy(structs.replace(PROXY, no_proxy=entries)).is_for(host) is through


def test_an_entry_that_means_nothing_is_named() -> None:
    with pytest.raises(ConfigFault) as caught:
        Proxy(structs.replace(PROXY, no_proxy=["orders.example", "http://a"]))
    assert caught.value.path == "forward_proxy.no_proxy[1]"


@pytest.mark.parametrize("name", ["localhost", "orders", "a.localhost", "metadata.google.internal", "printer.local."])
def test_names_that_mean_this_network_are_not_given_to_a_proxy(name: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        refuse_local_name(name)
    assert caught.value.response.code == "upstream_address_refused"


# The tunnel


def tunnel(credentials: bytes = b"") -> tuple[Tunnel, FakeTransport]:
    made, transport = Tunnel(tunnel_authority("orders.example", 443), credentials), FakeTransport()
    made.connection_made(transport)  # type: ignore[arg-type]
    return made, transport


def test_a_tunnel_is_asked_for_by_name_and_port() -> None:
    async def scenario() -> None:
        _, transport = tunnel(b"Basic YTpi")
        assert transport.take() == (
            b"CONNECT orders.example:443 HTTP/1.1\r\nhost: orders.example:443\r\n"
            b"proxy-authorization: Basic YTpi\r\n\r\n"
        )
        assert tunnel_authority("fd00::1", 8443) == b"[fd00::1]:8443"

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_tunnel_is_granted(size: int) -> None:
    async def scenario() -> None:
        made, transport = tunnel()
        data = b"HTTP/1.1 200 Connection established\r\nProxy-Agent: p\r\n\r\n"
        for start in range(0, len(data), size):
            assert not made.granted.done()
            made.data_received(data[start : start + size])
        await made.granted
        assert not transport.closed
        assert not transport.reading, "what comes now is for whoever speaks TLS"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 503 No\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000,
        None,
    ],
    ids=range(8),
)
def test_whatever_else_a_proxy_says_ends_the_connection(answer: bytes | None) -> None:
    async def scenario() -> None:
        made, transport = tunnel()
        if answer is None:
            made.connection_lost(None)
        else:
            made.data_received(answer)
        with pytest.raises(UpstreamError) as caught:
            await made.granted
        assert caught.value.response.code == "upstream_proxy_failed"
        assert transport.closed

    asyncio.run(scenario())


# Heads


def test_heads_for_a_proxy_are_in_absolute_form_and_others_are_not() -> None:
    registry = PoolRegistry()
    service = Service(
        id="s", name="s", targets=[Target(host="orders.example", port=9000), Target(host="10.0.0.1", port=80)]
    )
    pool = registry.get(service)
    registry.proxy = Proxy(structs.replace(PROXY, username="ada", password="sesame", no_proxy=["10.0.0.0/8"]))
    through, direct = pool.targets
    assert through.line_start == b" http://orders.example:9000"
    assert through.line_end == b" HTTP/1.1\r\nproxy-authorization: Basic YWRhOnNlc2FtZQ==\r\nhost: orders.example:9000"
    assert direct.line_start == b" "
    assert b"authorization" not in direct.line_end
    assert "sesame" not in repr(pool)
    assert "YWRh" not in repr(through)


def test_a_service_with_tls_gets_no_credentials_of_the_proxy() -> None:
    registry = PoolRegistry()
    registry.proxy = Proxy(structs.replace(PROXY, username="ada", password="sesame"))
    (target,) = registry.get(
        Service(id="s", name="s", scheme="https", targets=[Target(host="orders.example", port=443)])
    ).targets
    assert target.line_start == b" "
    assert b"authorization" not in target.line_end


def test_another_proxy_ends_the_connections_through_the_one_before() -> None:
    registry = PoolRegistry()
    pool = registry.get(Service(id="s", name="s", targets=[Target(host="orders.example", port=80)]))
    idle, busy = FakeUpstream(pool), FakeUpstream(pool)
    assert pool.targets[0].acquire(0) is busy.connection
    registry.proxy = Proxy(PROXY)
    busy.connection.target.release(busy.connection)
    assert idle.transport.closed
    assert busy.transport.closed
    kept = FakeUpstream(pool)
    registry.proxy = Proxy(PROXY)
    assert not kept.transport.closed
    registry.proxy = None
    assert kept.transport.closed
    assert pool.targets[0].line_start == b" "
