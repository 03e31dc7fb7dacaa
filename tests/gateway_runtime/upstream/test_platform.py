"""The platform's own hosts and ports are refused in every spelling, and nothing else is."""

import asyncio

import pytest

from gateway_runtime.fetching.client import FetchError, fetch
from gateway_runtime.fetching.url import parse_url
from gateway_runtime.schema.platform import PlatformAddress
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.schema.upstream import ForwardProxy
from gateway_runtime.upstream.connecting import Connector, Surroundings
from gateway_runtime.upstream.connection import UpstreamConnection
from gateway_runtime.upstream.errors import UpstreamError
from gateway_runtime.upstream.platform import NO_PLATFORM, Platform, platform_of
from gateway_runtime.upstream.proxy import Proxy
from gateway_runtime.upstream.resolving import NoSuchName, Resolver
from gateway_runtime.upstream.target import TargetConnections

NAMES = {"localhost": ["127.0.0.1", "::1"], "portal.example": ["203.0.113.7"], "alias.example": ["203.0.113.7"]}
PLATFORM = Platform(
    [
        PlatformAddress(host="localhost", port=8000),
        PlatformAddress(host="portal.example", port=443),
        PlatformAddress(host="10.0.0.5", port=6379),
        PlatformAddress(host="gone.example", port=9000),
    ]
)


async def lookup(host: str) -> tuple[list[str], float]:
    if host not in NAMES:
        raise NoSuchName(host)
    return NAMES[host], 60.0


def judge(host: str, port: int, found: list[str] | None = None, platform: Platform = PLATFORM) -> list[str]:
    async def ask() -> list[str]:
        return await platform.others(host, found or [host], port, Resolver(lookup))

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("host", "port"),
    [("127.0.0.1", 8000), ("127.0.0.2", 8000), ("::1", 8000), ("0.0.0.0", 8000), ("::", 8000),
     ("::ffff:127.0.0.1", 8000), ("203.0.113.7", 443), ("::ffff:203.0.113.7", 443), ("64:ff9b::cb00:7107", 443),
     ("10.0.0.5", 6379), ("::ffff:10.0.0.5", 6379), ("2002:a00:5::", 6379)],
)  # fmt: skip
def test_an_address_of_the_platform_is_refused_in_every_spelling(host: str, port: int) -> None:
    with pytest.raises(UpstreamError) as caught:
        judge(host, port)
    assert caught.value.response.code == "upstream_address_refused"


@pytest.mark.parametrize(
    ("host", "port"),
    [("127.0.0.1", 8001), ("127.0.0.1", 443), ("203.0.113.7", 8000), ("203.0.113.8", 443), ("10.0.0.6", 6379),
     ("10.0.0.5", 6380), ("203.0.113.8", 9000)],
)  # fmt: skip
def test_everything_else_is_left_alone(host: str, port: int) -> None:
    assert judge(host, port) == [host]


def test_another_name_for_the_same_address_is_refused() -> None:
    with pytest.raises(UpstreamError):
        judge("alias.example", 443, ["203.0.113.7"])


@pytest.mark.parametrize("host", ["portal.example", "PORTAL.example", "portal.example."])
def test_its_name_is_refused_whatever_that_resolves_to(host: str) -> None:
    with pytest.raises(UpstreamError):
        judge(host, 443, ["203.0.113.99"])


def test_the_other_addresses_of_a_name_are_used() -> None:
    assert judge("mixed.example", 443, ["203.0.113.7", "203.0.113.8"]) == ["203.0.113.8"]


@pytest.mark.parametrize(
    ("host", "port", "refused"),
    [("portal.example", 443, True), ("Portal.Example.", 443, True), ("::ffff:10.0.0.5", 6379, True),
     ("0xa.5", 6379, True), ("portal.example", 80, False), ("alias.example", 443, False)],
)  # fmt: skip
def test_what_a_proxy_would_resolve_is_judged_as_it_is_written(host: str, port: int, refused: bool) -> None:
    assert PLATFORM.has(host, port) is refused


def test_the_storage_of_the_registration_belongs_to_the_platform() -> None:
    made = platform_of([], SharedStorage(url="redis://user:secret@10.0.0.9/0"))
    with pytest.raises(UpstreamError):
        judge("10.0.0.9", 6379, platform=made)
    assert platform_of([], SharedStorage(url="unix:///run/redis.sock")).addresses == frozenset()
    assert platform_of([], None).addresses == NO_PLATFORM.addresses


def test_a_service_is_not_connected_to_where_the_platform_is() -> None:
    def make(target: TargetConnections) -> UpstreamConnection:
        raise AssertionError("there must be no connection")

    async def connect(proxy: Proxy | None) -> str:
        surroundings = Surroundings(Resolver(lookup), allow_private=True, proxy=proxy, platform=PLATFORM)
        target = TargetConnections("localhost", 8000, "http")
        with pytest.raises(UpstreamError) as caught:
            await Connector(surroundings, None).connect(target, 1.0, make)
        return caught.value.response.code

    for proxy in (None, Proxy(ForwardProxy(address="http://10.9.9.9:3128"))):
        assert asyncio.run(connect(proxy)) == "upstream_address_refused"


def test_the_gateway_itself_asks_nothing_of_the_platform() -> None:
    async def ask() -> str:
        surroundings = Surroundings(Resolver(lookup), allow_private=True, platform=PLATFORM)
        with pytest.raises(FetchError) as caught:
            await fetch(parse_url("http://127.0.0.1:8000/keys"), surroundings, seconds=1, limit=10)
        return caught.value.code

    assert asyncio.run(ask()) == "address_refused"
