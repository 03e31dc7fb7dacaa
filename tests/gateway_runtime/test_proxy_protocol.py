"""PROXY headers: versions 1 and 2 read exactly, however they are cut, and nothing else taken for one."""

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.proxy_protocol import ProxyHeader, ProxyHeaderError, read_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n"
LONGEST = ":".join(["ffff"] * 8)
AFTER = b"GET / HTTP/1.1\r\n\r\n"


def v2(command: int, family: int, body: bytes, *, length: int | None = None) -> bytes:
    return SIGNATURE + struct.pack(">BBH", command, family, len(body) if length is None else length) + body


def tcp(source: str, destination: str = "") -> bytes:
    """Return addresses and ports as version 2 has them."""
    address = ipaddress.ip_address(source)
    other = ipaddress.ip_address(destination or ("::1" if address.version == 6 else "127.0.0.1"))
    return address.packed + other.packed + struct.pack(">HH", 51000, 443)


TLV = b"\x04\x00\x03abc" + b"\x20\x00\x01\x00"


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (V1, "203.0.113.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 51000 443\r\n", "2001:db8::7"),
        (b"PROXY TCP6 2001:0db8:0000::0007 ::1 0 65535\r\n", "2001:db8::7"),
        (b"PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n", "203.0.113.7"),
        (b"PROXY UNKNOWN\r\n", ""),
        (b"PROXY UNKNOWN ffff:f...f:ffff anything 1 2\r\n", ""),
        (
            b"PROXY TCP6 %b %b 65535 65535\r\n" % (LONGEST.encode(), LONGEST.encode()),
            LONGEST,
        ),
        (v2(0x21, 0x11, tcp("203.0.113.7")), "203.0.113.7"),
        (v2(0x21, 0x21, tcp("2001:db8::7")), "2001:db8::7"),
        (v2(0x21, 0x21, tcp("::ffff:203.0.113.7")), "203.0.113.7"),
        (v2(0x21, 0x11, tcp("203.0.113.7") + TLV), "203.0.113.7"),
        (v2(0x20, 0x00, b""), ""),
        (v2(0x20, 0x11, tcp("203.0.113.7")), ""),
        (v2(0x20, 0xFF, b"anything"), ""),
        (v2(0x21, 0x00, b""), ""),
        (v2(0x21, 0x00, TLV), ""),
        (v2(0x21, 0x31, bytes(216)), ""),
    ],
)
def test_a_header_says_where_a_connection_comes_from(data: bytes, source: str) -> None:
    assert read_header(data + AFTER) == ProxyHeader(len(data), source)
    for end in range(len(data)):
        assert read_header(data[:end]) is None, data[:end]


@pytest.mark.parametrize(
    "data",
    [
        b"G",
        AFTER,
        b"\x16\x03\x01\x02\x00",
        b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        b" PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
        b"PROXY TCP4 1.2.3.4\r 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 ::1 1 2\r\n",
        b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        b"PROXY TCP6 [::1] ::1 1 2\r\n",
        b"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY UNKNOWNX\r\n",
        b"PROXY UNKNOWN \x00\r\n",
        b"PROXY UNKNOWN " + b"x" * 100 + b"\r\n",
        b"PROXY TCP4 1.2.3.4" + b" " * 120,
        b"PROXY \r\n",
        v2(0x11, 0x11, tcp("1.2.3.4")),
        v2(0x22, 0x11, tcp("1.2.3.4")),
        v2(0x31, 0x11, tcp("1.2.3.4")),
        v2(0x21, 0x12, tcp("1.2.3.4")),
        v2(0x21, 0x10, tcp("1.2.3.4")),
        v2(0x21, 0x41, tcp("1.2.3.4")),
        v2(0x21, 0x11, tcp("1.2.3.4")[:-1]),
        v2(0x21, 0x21, tcp("1.2.3.4")),
        v2(0x21, 0x31, bytes(215)),
        v2(0x21, 0x11, b"", length=65535),
        v2(0x20, 0x00, b"", length=4096),
        SIGNATURE[:-1] + b"\r" + v2(0x21, 0x11, tcp("1.2.3.4"))[12:],
    ],
)
def test_anything_else_is_no_header(data: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        read_header(data)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    for start in (b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21"):
        try:
            found = read_header(start + data)
        except ProxyHeaderError:
            continue
        assert found is None or found.size <= len(start + data)


@given(st.ip_addresses(), st.binary(max_size=60))
def test_every_address_comes_through_in_both_versions(address: ipaddress.IPv4Address, more: bytes) -> None:
    plain = getattr(address, "ipv4_mapped", None) or address
    family, version = (0x11, 4) if address.version == 4 else (0x21, 6)
    binary = v2(0x21, family, tcp(str(address)) + more)
    assert read_header(binary) == ProxyHeader(len(binary), str(plain))
    line = f"PROXY TCP{version} {address} {address} 1 2\r\n".encode()
    assert read_header(line + more) == ProxyHeader(len(line), str(plain))
