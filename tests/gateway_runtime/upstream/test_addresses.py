"""Addresses are judged when they are connected to, in whatever spelling they come."""

import pytest

from gateway_runtime.upstream.addresses import allowed_addresses, is_public, literal_address
from gateway_runtime.upstream.errors import UpstreamError


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_open_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1", "fd00:ec2::254",
     "fec0::1", "64:ff9b:1::7f00:1"],
)  # fmt: skip
def test_addresses_that_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "127.1."])
def test_loopback_is_refused_in_every_spelling(host: str) -> None:
    address = literal_address(host)
    assert address is not None, "no resolver may decide what this is"
    with pytest.raises(UpstreamError) as caught:
        allowed_addresses([address], allow_private=False)
    assert caught.value.response.code == "upstream_address_refused"


@pytest.mark.parametrize("host", ["orders", "orders.internal", "1.orders", "0x7f.example", "a0x", "example.com."])
def test_a_name_is_no_address(host: str) -> None:
    assert literal_address(host) is None


@pytest.mark.parametrize("host", ["1.2.3.4.5", "256.1.1.1", "orders.1", "0xzz", "1..2"])
def test_a_name_that_ends_in_a_number_is_an_address_or_nothing(host: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        literal_address(host)
    assert caught.value.response.code == "upstream_unresolved"


def test_loopback_is_given_where_it_is_allowed() -> None:
    assert allowed_addresses(["127.0.0.1"], allow_private=True) == ["127.0.0.1"]


def test_only_the_public_addresses_of_a_name_are_used() -> None:
    assert allowed_addresses(["10.0.0.1", "8.8.8.8", "8.8.8.8"], allow_private=False) == ["8.8.8.8"]
