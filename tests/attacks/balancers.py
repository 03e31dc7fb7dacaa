"""C7, C8 and the PROXY protocol: where a caller comes from is said by whom the operator trusts, and by nobody else."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from tests.attacks.client import Answer
from tests.attacks.headers import _ORIGIN, _forged
from tests.attacks.upstream import Seen
from tests.attacks.variants import HOST, SMUGGLED, Case, Outcome, Variant, case, cut, head, positions, spellings

# The network of this one is trusted by the gateway of the arena.
TRUSTED_NETWORK = "198.51.100.0/24"
_CLIENT, _PROXY = b"203.0.113.5", b"198.51.100.7"
_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source: bytes) -> bytes:
    """Return a PROXY header of version 1."""
    return b"PROXY TCP4 " + source + b" 192.0.2.1 51000 443\r\n"


def v2(
    source: bytes, *, command: int = 0x21, family: int = 0x11, more: bytes = b"", length: int | None = None
) -> bytes:
    """Return one of version 2."""
    body = (
        bytes(int(part) for part in source.split(b".")) + bytes((192, 0, 2, 1)) + struct.pack(">HH", 51000, 443) + more
    )
    return _SIGNATURE + struct.pack(">BBH", command, family, len(body) if length is None else length) + body


def _headed(variants: Iterator[Variant], source: bytes) -> Iterator[Variant]:
    """Return variants behind PROXY headers of both versions, together and apart."""
    for number, variant in enumerate(variants):
        header = v1(source) if number % 2 else v2(source, more=b"\x04\x00\x01x")
        first, *rest = variant.pieces
        pieces = (header, *variant.pieces) if number % 3 else (header + first, *rest)
        yield replace(variant, pieces=pieces)


def _chains() -> Iterator[Variant]:
    """The client is the rightmost address that is not trusted, whatever stands before it."""
    lies = (
        b"evil",
        b"127.0.0.1",
        b"198.51.100.9",
        b"::1",
        b"unknown",
        b"",
        b"10.0.0.1, 192.0.2.9",
        b'"',
        b"a" * 3000,
        b"\xff",
        b"203.0.113.99:80",
        b"<script>",
        b"198.51.100.7, 198.51.100.7",
        b", ,",
        b"for=1.2.3.4",
    )
    for name in spellings(b"X-Forwarded-For"):
        for lie in lies:
            for end in (
                _CLIENT,
                _CLIENT + b":51000",
                b" " + _CLIENT + b"\t,",
                b"::ffff:" + _CLIENT,
                b"[::ffff:" + _CLIENT + b"]:1",
            ):
                yield Variant(f"{name!r} {lie[:20]!r} {end!r}", (head(HOST, name + b": " + lie + b"," + end),))
            lines = (name + b": " + lie, b"X-Forwarded-For: " + _CLIENT)
            for where, every in positions((HOST, b"X-A: 1"), lines):
                yield Variant(f"{name!r} {lie[:20]!r} in two lines {where}", (head(*every),))


def _garbage() -> Iterator[Variant]:
    """Where the last address cannot be read, the proxy is all that is known."""
    for value in (
        b"unknown",
        b"_hidden",
        b"evil",
        b"203.0.113",
        b"203.0.113.256",
        b"203.0.113.05",
        b"0xcb.1",
        b"3405803781",
        b"203.0.113.5 evil",
        b"203.0.113.5;",
        b"203.0.113.5:",
        b"203.0.113.5:x",
        b"[203.0.113.5]",
        b"fe80::1%eth0",
        b"for=203.0.113.5",
        b'"203.0.113.5"',
        b"203.0.113.5/32",
        "２０３.0.113.5".encode(),
        b"\xa0203.0.113.5",
        b"''",
        b"a" * 5000,
        b"..",
        b"::::",
        b"[",
        b"1.2.3.4.5",
    ):
        for name in spellings(b"X-Forwarded-For"):
            yield Variant(f"{name!r} {value[:20]!r}", (head(HOST, name + b": 203.0.113.5, " + value),))
            yield Variant(f"{name!r} {value[:20]!r} alone", (head(HOST, name + b": " + value),))
    for name in (
        b"Forwarded",
        b"X-Real-IP",
        b"True-Client-IP",
        b"X_Forwarded_For",
        b"X-Forwarded_For",
        b"CF-Connecting-IP",
    ):
        for spelling in spellings(name):
            yield Variant(f"{spelling!r}", (head(HOST, spelling + b": for=" + _CLIENT, spelling + b": " + _CLIENT),))


def _asked_for() -> Iterator[Variant]:
    """What the client is said to have asked for is one good value or it is nothing."""
    for name, values in {
        b"X-Forwarded-Proto": (b"https, http", b"javascript", b"https;x", b"", b"httpss", b"https evil-77"),
        b"X-Forwarded-Host": (
            b"evil-77, b",
            b"a@evil-77",
            b"evil-77:99999",
            b"evil-77/x",
            b"<evil-77>",
            b"",
            b"evil 77",
        ),
        b"X-Forwarded-Port": (b"0", b"65536", b"-1", b"+80", b"8_0", b"80, 81", b"evil-77", b""),
    }.items():
        for spelling in spellings(name):
            for value in values:
                yield Variant(f"{spelling!r} {value!r}", (head(HOST, spelling + b": " + value),))
        good = {b"X-Forwarded-Proto": b"https", b"X-Forwarded-Host": b"other.test", b"X-Forwarded-Port": b"81"}[name]
        for spelling in spellings(name):
            line = name + b": " + good
            yield Variant(f"{spelling!r} twice", (head(HOST, line, spelling + b": " + good),))


def _no_headers() -> Iterator[Variant]:
    """What comes first is no PROXY header, so nothing behind it is read."""
    bad = [
        b"",
        b"\r\n",
        b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY\r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
        b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
        b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 evil evil 1 2\r\n",
        b"PROXY TCP4 1.2.3.4\r1.2.3.4 1 2\r\n",
        b"PROXY UNKNOWN" + b" " * 200 + b"\r\n",
        b"PROXY UNKNOWN \0\r\n",
        b" " + v1(_PROXY),
        b"\n" + v1(_PROXY),
        v1(_PROXY).replace(b" ", b"\t"),
        b"\x16\x03\x01",
        _SIGNATURE[:11] + b"\r",
        v2(_PROXY, command=0x11),
        v2(_PROXY, command=0x2F),
        v2(_PROXY, command=0x01),
        v2(_PROXY, family=0x12),
        v2(_PROXY, family=0x10),
        v2(_PROXY, family=0xF1),
        v2(_PROXY, length=11),
        v2(_PROXY, length=0),
        v2(_PROXY, length=65535),
        v2(_PROXY, family=0x21),
        v2(_PROXY, family=0x31),
    ]
    for data in bad:
        request = head(HOST) + SMUGGLED
        yield Variant(f"{data[:40]!r}", (data + request,))
        yield Variant(f"{data[:40]!r} apart", (data, request) if data else (request[:1], request[1:]))
        yield from cut(Variant(f"{data[:40]!r}", (data + request,)), 3, 17)


def _twice() -> Iterator[Variant]:
    """A second header is no request."""
    for first in (v1(_PROXY), v2(_PROXY), _SIGNATURE + b"\x20\x00\x00\x00", b"PROXY UNKNOWN\r\n"):
        for second in (v1(_PROXY), v2(_PROXY), _SIGNATURE + b"\x20\x00\x00\x00", b"PROXY UNKNOWN\r\n"):
            yield Variant(f"{first[:20]!r} {second[:20]!r}", (first + second + SMUGGLED,))
            yield Variant(f"{first[:20]!r} {second[:20]!r} apart", (first, second + SMUGGLED))


def _unasked() -> Iterator[Variant]:
    for header in (v1(_PROXY), v2(_PROXY), _SIGNATURE + b"\x20\x00\x00\x00", b"PROXY UNKNOWN\r\n"):
        yield Variant(f"{header[:20]!r}", (header + SMUGGLED,))
        yield Variant(f"{header[:20]!r} apart", (header, SMUGGLED))
        yield from cut(Variant(f"{header[:20]!r}", (header + SMUGGLED,)), 5, 9)


def _comes_from(*addresses: bytes) -> Outcome:
    def look(seen: list[Seen], answers: list[Answer]) -> None:
        (request,) = seen
        assert request.values(b"x-forwarded-for") == [b", ".join(addresses)], request.head
        assert request.values(b"x-forwarded-proto") == [b"http"]
        assert request.values(b"x-forwarded-host") == [b"gateway.test"]
        assert b"evil-77" not in request.head
        assert not {b"forwarded", b"x-real-ip", b"x-forwarded-port", b"true-client-ip"} & {*request.names}

    return Outcome(statuses=(frozenset({200}),), upstream=1, closed=None, look=look)


_SILENTLY = Outcome(statuses=(), closed=True)
_REFUSED = Outcome(statuses=(frozenset({400}),), closed=True)
_STRANGER = b"192.0.2.99"

CASES: tuple[Case, ...] = (
    case(
        "C7",
        "the chain of a trusted proxy",
        _comes_from(_CLIENT, _PROXY),
        _headed(_chains(), _PROXY),
        listener="balanced",
    ),
    case("C7", "a chain that cannot be read", _comes_from(_PROXY), _headed(_garbage(), _PROXY), listener="balanced"),
    case(
        "C7",
        "what a trusted proxy was asked for",
        _comes_from(_PROXY),
        _headed(_asked_for(), _PROXY),
        listener="balanced",
    ),
    case("C8", "the chain of a stranger", _comes_from(_STRANGER), _headed(_chains(), _STRANGER), listener="balanced"),
    case(
        "C8",
        "forged by a stranger",
        _comes_from(_STRANGER),
        _headed((v for v in _forged(_ORIGIN) if not v.before), _STRANGER),
        listener="balanced",
    ),
    case("C8", "no PROXY header", _SILENTLY, _no_headers(), listener="balanced"),
    case("C8", "two PROXY headers", _REFUSED, _twice(), listener="balanced"),
    case("C8", "a PROXY header nobody asked for", _REFUSED, _unasked()),
)
