"""Addresses are judged when they are connected to, in whatever spelling they come."""

import asyncio
import socket

import pytest

from gateway_runtime.upstream.addresses import is_public, resolve
from gateway_runtime.upstream.errors import UpstreamError


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_open_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1", "fd00:ec2::254"],
)  # fmt: skip
def test_addresses_that_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "2130706433", "0x7f.1", "127.1"])
def test_loopback_is_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        asyncio.run(resolve(host, 80, allow_private=False))
    assert caught.value.response.code == "upstream_address_refused"


def test_loopback_is_given_where_it_is_allowed() -> None:
    assert "127.0.0.1" in asyncio.run(resolve("127.0.0.1", 80, allow_private=True))


def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(UpstreamError) as caught:
        asyncio.run(resolve("nowhere.example", 80, allow_private=True))
    assert caught.value.response.code == "upstream_unresolved"


def test_only_the_public_addresses_of_a_name_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*args: object, **kwargs: object) -> list[object]:
        return [(2, 1, 6, "", ("10.0.0.1", 80)), (2, 1, 6, "", ("8.8.8.8", 80)), (2, 1, 6, "", ("8.8.8.8", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert asyncio.run(resolve("rebind.example", 80, allow_private=False)) == ["8.8.8.8"]
