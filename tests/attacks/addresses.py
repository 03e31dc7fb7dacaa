"""Spellings of addresses that an API may not be at: class F of the catalogue."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import product

# Loopback, this host, private, link-local with the metadata services, carrier-grade, reserved, multicast, broadcast.
INNER_4 = (
    "127.0.0.1", "127.8.4.2", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
)  # fmt: skip
INNER_6 = ("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "fec0::1")
NAMES = (
    "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "ip6-localhost", "metadata.google.internal", "metadata",
    "instance-data", "printer.local",
)  # fmt: skip


def spelled_4(address: str) -> Iterator[str]:
    """Yield an IPv4 address in the forms that inet_aton takes: each part in three bases, parts put together."""
    octets = [int(part) for part in address.split(".")]
    number = int(ipaddress.IPv4Address(address))
    for bases in product((str, "0x{:x}".format, "0{:o}".format, "0X{:X}".format, "0x{:08x}".format), repeat=2):
        first, rest = bases
        yield ".".join([first(octets[0]), *(rest(octet) for octet in octets[1:])])
        yield f"{first(octets[0])}.{rest(number & 0xFFFFFF)}"
        yield f"{first(octets[0])}.{rest(octets[1])}.{rest(number & 0xFFFF)}"
    for base in (str, "0x{:x}".format, "0{:o}".format):
        yield base(number)
        yield base(number) + "."


def spelled_6(address: str) -> Iterator[str]:
    """Yield an IPv6 address short, long and with a zone."""
    found = ipaddress.IPv6Address(address)
    yield from (str(found), found.exploded, found.exploded.upper(), f"{found}%1", f"{found}%lo")


def carried(address: str) -> Iterator[str]:
    """Yield the IPv6 addresses that lead to an IPv4 one, or that say so: mapped, compatible, 6to4, NAT64, Teredo."""
    number = int(ipaddress.IPv4Address(address))
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    yield from (f"::ffff:{address}", f"::ffff:{high}:{low}", f"0:0:0:0:0:ffff:{high}:{low}", f"::FFFF:{address}")
    yield from (f"2002:{high}:{low}::1", f"64:ff9b::{address}", f"64:ff9b::{high}:{low}", f"::{address}")
    yield f"64:ff9b:1::{high}:{low}"
    yield f"2001:0:{high}:{low}::{(number >> 16) ^ 0xFFFF:x}:{(number & 0xFFFF) ^ 0xFFFF:x}"


def hosts() -> list[str]:
    """Return every spelling once."""
    every = [
        *(each for address in INNER_4 for each in (*spelled_4(address), *carried(address))),
        *(each for address in INNER_6 for each in spelled_6(address)),
        *NAMES,
    ]
    return list(dict.fromkeys(every))
