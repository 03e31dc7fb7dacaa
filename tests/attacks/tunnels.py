"""A32 and A34: only a whole WebSocket handshake opens a tunnel, only its own answer, and nothing comes before that."""

from __future__ import annotations

from collections.abc import Iterator

from tests.attacks.client import Answer
from tests.attacks.switches import KEY, SWITCHES
from tests.attacks.upstream import Seen
from tests.attacks.variants import (
    GOOD,
    HOST,
    LOCKED,
    OPEN,
    SMUGGLED,
    Case,
    Outcome,
    Variant,
    case,
    cut,
    cut_at,
    head,
    positions,
    spellings,
)

UPGRADE, CONNECTION = b"Upgrade: websocket", b"Connection: Upgrade"
KEY_LINE, VERSION = b"Sec-WebSocket-Key: " + KEY, b"Sec-WebSocket-Version: 13"
ASKED = (UPGRADE, CONNECTION, KEY_LINE, VERSION)
# A request, frames of a client, the beginning of TLS and of HTTP/2, one byte, and more than a buffer takes.
EARLY = (
    SMUGGLED,
    b"\x81\x85maskxxxxx",
    b"\x88\x80mask",
    b"\x16\x03\x01\x02\x00",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\r\n",
    b"x",
    SMUGGLED * 20,
    b"\x82\xfe\xff\xff" + b"x" * 65535,
)


def _upgrade_lines() -> Iterator[tuple[str, list[bytes]]]:
    """Return handshakes with something missing, twice, or not quite right."""
    for missing in ASKED:
        yield f"without {missing!r}", [line for line in ASKED if line is not missing]
        if missing is not CONNECTION:
            yield f"twice {missing!r}", [*ASKED, missing]
    for protocol in (
        b"websocket, h2c",
        b"h2c, websocket",
        b"websocket/13",
        b"websockets",
        b"web socket",
        b"WebSocket;x",
        b'"websocket"',
        b"websocket,",
        b",websocket",
        b"",
        b"h2c",
        b"HTTP/2.0",
        b"TLS/1.0",
    ):
        yield f"{protocol!r}", [b"Upgrade: " + protocol, *ASKED[1:]]
    for version in (b"8", b"0", b"14", b"013", b"13.0", b"+13", b"13, 8", b"0x0d", b"1\xb3", b""):
        yield f"version {version!r}", [*ASKED[:3], b"Sec-WebSocket-Version: " + version]
    for key in (
        b"",
        b"x",
        KEY[:-1],
        KEY + b"=",
        KEY[:-2],
        KEY * 2,
        KEY[:-3] + b"R==",
        b"=" * 24,
        KEY.replace(b"Z", b"-"),
        KEY[:10] + b" " + KEY[11:],
        b"a" * 4000,
        KEY + b"," + KEY,
    ):
        yield f"key {key[:30]!r}", [*ASKED[:2], b"Sec-WebSocket-Key: " + key, VERSION]
    for options in (b"close, Upgrade", b"Upgrade, close", b"keep-alive", b"upgraded", b"x-upgrade", b"close"):
        yield f"options {options!r}", [UPGRADE, b"Connection: " + options, KEY_LINE, VERSION]
    for name in (b"Upgrade", b"Sec-WebSocket-Key", b"Sec-WebSocket-Version"):
        for alias in (name.replace(b"-", b"_"), b"X-" + name, name + b"_"):
            if alias != name:
                yield f"{alias!r}", [alias + line[len(name) :] if line.startswith(name) else line for line in ASKED]


def _no_handshake() -> Iterator[Variant]:
    for label, lines in _upgrade_lines():
        for where, every in positions((HOST,), lines):
            yield Variant(f"{label} {where}", (head(*every),))
        yield from cut(Variant(label, (head(HOST, *lines),)), 13)
        yield Variant(f"{label}, after a good request", (GOOD + head(HOST, *lines),), before=1)


def _other_methods() -> Iterator[Variant]:
    for method in (b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"HEAD"):
        for name in spellings(b"Upgrade"):
            yield Variant(f"{method!r} {name!r}", (head(HOST, name + b": websocket", *ASKED[1:], method=method),))
    for body in (b"Content-Length: 2", b"content-length: 2"):
        yield Variant(f"{body!r}", (head(HOST, *ASKED, body) + b"hi",))
    yield Variant("chunked", (head(HOST, *ASKED, b"Transfer-Encoding: chunked") + b"2\r\nhi\r\n0\r\n\r\n",))
    for name in spellings(b"Upgrade"):
        yield Variant(f"1.0 {name!r}", (head(HOST, name + b": websocket", *ASKED[1:], version=b"HTTP/1.0"),))


def _not_upgraded(seen: list[Seen], answers: list[Answer]) -> None:
    for request in seen:
        assert not {b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version"} & {*request.names}


def _refused_switches() -> Iterator[Variant]:
    for name in SWITCHES:
        target = OPEN + b"/do/" + name.encode()
        if name != "ws-good":
            for spelling in spellings(b"Upgrade: websocket"):
                data = head(HOST, spelling, *ASKED[1:], target=target)
                yield Variant(f"{name} {spelling!r}", (data,))
            yield Variant(f"{name}, followed", (data + SMUGGLED,))
            yield Variant(f"{name}, after a good request", (GOOD + data,), before=1)
            yield from cut(Variant(name, (data,)), 11)
        # Nobody has asked, or not in the right way.
        yield Variant(f"{name} unasked", (head(HOST, target=target),))
        yield Variant(f"{name} half asked", (head(HOST, UPGRADE, CONNECTION, VERSION, target=target),))
        yield Variant(f"{name} asked in 1.0", (head(HOST, *ASKED, target=target, version=b"HTTP/1.0"),))


def _early(*targets: bytes) -> Iterator[Variant]:
    for target in targets:
        for early in EARLY:
            for where, every in positions((HOST,), ASKED):
                yield Variant(f"{target!r} {early[:8]!r} {where}", (head(*every, target=target) + early,))
            apart = (head(HOST, *ASKED, target=target), early)
            yield Variant(f"{target!r} {early[:8]!r} apart", apart)
            together = Variant(f"{target!r} {early[:8]!r}", (b"".join(apart),))
            yield from cut_at(together, b"\r\n\r", b"\r\n\r\n", b"13\r")
            yield Variant(f"{target!r} {early[:8]!r} after a good request", (GOOD + b"".join(apart),), before=1)


_WAITING = OPEN + b"/do/ws-late"
_ONE = frozenset({200, 204, 403})

CASES: tuple[Case, ...] = (
    case(
        "A32",
        "no handshake",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=None, look=_not_upgraded),
        _no_handshake(),
    ),
    case(
        "A32",
        "no handshake for other methods",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=None, look=_not_upgraded),
        _other_methods(),
    ),
    case(
        "A32",
        "switches that answer nothing",
        Outcome(statuses=(frozenset({502}),), upstream=1, closed=None),
        _refused_switches(),
    ),
    case("A32", "a locked tunnel", Outcome(statuses=(frozenset({401}),), closed=True), _early(LOCKED)),
    # The service answers after the early bytes have come, so that they were there before the tunnel.
    case(
        "A34",
        "bytes before the switch",
        Outcome(statuses=(frozenset({400}),), upstream=1, closed=True),
        _early(_WAITING),
    ),
    case(
        "A34",
        "bytes behind a refused handshake",
        Outcome(statuses=(_ONE,), upstream=1, closed=True),
        _early(OPEN, OPEN + b"/do/ws-refused", OPEN + b"/do/no-content"),
    ),
)
