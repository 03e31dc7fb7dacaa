"""Class C: who the caller is and where it comes from is said by the gateway alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.attacks.client import Answer
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
    head,
    in_head,
    refused,
    spellings,
)

_EVIL = b"evil-77"
BASIC = b"Authorization: Basic YWRhOnNlc2FtZQ=="  # ada:sesame
BADGE = (b"client_id: app", b"client_secret: secret")
MEMBERS = OPEN.replace(b"/public", b"/members")

_IDENTITY = (
    b"X-Consumer-Id", b"X-Consumer-Groups", b"X-Consumer-Username", b"X-Consumer-Custom-Id", b"X-Portico-User",
    b"X-AGW-Sub", b"X-AGW-Client-Id",
    b"X-Portico-Application",
)  # fmt: skip
_ORIGIN = (
    b"X-Forwarded-For", b"X-Forwarded-Host", b"X-Forwarded-Proto", b"X-Forwarded-Port", b"X-Forwarded-Prefix",
    b"X-Forwarded-Server",
    b"X-Forwarded-Scheme", b"X-Forwarded-Client-Cert", b"X-Real-IP", b"Forwarded", b"True-Client-IP",
    b"CF-Connecting-IP",
    b"X-Client-IP", b"X-Cluster-Client-IP", b"Fastly-Client-IP", b"X-Original-Forwarded-For", b"X-Client-Cert",
    b"Client-Cert",
    b"X-SSL-Client-DN", b"X-SSL-Client-Verify", b"X-Envoy-Original-Path", b"X-Envoy-External-Address",
)  # fmt: skip
_HOP_BY_HOP = (b"Keep-Alive", b"TE", b"Trailer", b"Proxy-Authorization", b"Proxy-Connection", b"Proxy-Authenticate",
               b"Upgrade",
               b"HTTP2-Settings", b"Proxy")  # fmt: skip


def _aliases(name: bytes) -> list[bytes]:
    """Return what servers that make variables of headers cannot tell from this name."""
    found = [
        name.replace(b"-", other)
        for other in (b"_", b".", b"~", b"!", b"|", b"+", b"'", b"*", b"`", b"^", b"$", b"&", b"#", b"%")
    ]
    first, _, rest = name.partition(b"-")
    return [
        *found,
        first + b"_" + rest,
        name.replace(b"-", b"_").lower(),
        name.replace(b"-", b"_").upper(),
        name + b"_",
        b"_" + name,
    ]


def _forged(names: tuple[bytes, ...], *more: bytes, target: bytes = OPEN) -> Iterator[Variant]:
    for name in names:
        for spelling in [*spellings(name), *(_aliases(name) if b"-" in name else ())]:
            line = spelling + b": " + _EVIL
            yield Variant(f"{spelling!r}", (head(HOST, line, *more, target=target),))
            if spelling == name:
                yield Variant(f"{spelling!r} first", (head(line, HOST, *more, target=target),))
                yield Variant(f"{spelling!r} twice", (head(HOST, line, *more, line, target=target),))
                yield Variant(f"{spelling!r} repeated", (GOOD + head(HOST, line, *more, target=target),), before=1)
                yield Variant(
                    f"{spelling!r} kept", (head(HOST, line, *more, b"Connection: keep-alive, " + name, target=target),)
                )
                yield Variant(
                    f"{spelling!r} in pieces",
                    (head(HOST, *more, target=target)[:-2] + line[:4], line[4:] + b"\r\n\r\n"),
                )


def _nothing_forged(seen: list[Seen], answers: list[Answer]) -> None:
    (request,) = seen
    assert _EVIL not in request.head, request.head
    assert request.values(b"x-forwarded-for") == [b"127.0.0.1"]
    assert request.values(b"x-forwarded-proto") == [b"http"]
    assert request.values(b"x-forwarded-host") == [b"gateway.test"]
    assert len(request.values(b"host")) == 1


def _connection_names_framing() -> Iterator[Variant]:
    for name in (b"Host", b"Content-Length", b"Transfer-Encoding", b"Expect", b"Connection"):
        for spelling in spellings(name):
            for value in (
                spelling,
                b"close, " + spelling,
                spelling + b" , keep-alive",
                b"\t" + spelling + b"\t",
                b"x-a," + spelling,
                b",," + spelling,
            ):
                data = head(HOST, b"Connection: " + value, b"Content-Length: 0", method=b"POST")
                yield Variant(f"{value!r}", (data + SMUGGLED,))
        for connection in spellings(b"Connection"):
            lines = (connection + b": close", connection + b": " + name)
            yield from in_head(f"{lines}", *lines, b"Content-Length: 0")


def _connection_takes_away() -> Iterator[Variant]:
    names = (
        b"X-Forwarded-For",
        b"X-Forwarded-Host",
        b"X-Forwarded-Proto",
        b"Via",
        b"X-Request-Id",
        b"X-Real-IP",
        b"X-A",
        b"Cookie",
    )
    for name in names:
        for spelling in spellings(name):
            for value in (spelling, b"close, " + spelling, spelling + b", keep-alive", b'"' + spelling + b'"'):
                yield Variant(f"{value!r}", (head(HOST, b"X-A: 1", b"Connection: " + value),))


def _gateway_headers_there(seen: list[Seen], answers: list[Answer]) -> None:
    (request,) = seen
    for name in (b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"via", b"x-request-id", b"host"):
        assert len(request.values(name)) == 1, name
    assert b"connection" not in request.names


def _lock_lifted() -> Iterator[Variant]:
    """`Connection` takes credentials away before policies look: nobody passes with what the service never sees."""
    for name in spellings(b"Authorization"):
        for value in (name, b"close, " + name, name + b",x"):
            yield Variant(f"{value!r}", (head(HOST, BASIC, b"Connection: " + value, target=LOCKED),))
    for name in (*spellings(b"client_id"), *spellings(b"client_secret")):
        yield Variant(f"{name!r}", (head(HOST, *BADGE, b"Connection: " + name, target=MEMBERS),))


def _credentials_twice() -> Iterator[Variant]:
    for name in spellings(b"Authorization"):
        for other in (b"Basic YWRhOnNlc2FtZQ==", b"Basic eDp5", b"Bearer x", b""):
            for target in (LOCKED, OPEN):
                yield Variant(
                    f"{name!r} {other!r}", (head(HOST, BASIC, name + b": " + other, target=target) + SMUGGLED,)
                )
                yield Variant(
                    f"{name!r} {other!r} first", (head(name + b": " + other, HOST, BASIC, target=target) + SMUGGLED,)
                )


def _badges_twice() -> Iterator[Variant]:
    for name in spellings(b"client_id"):
        for other in (b"app", b"stranger", b"", b"x"):
            yield Variant(f"{name!r} {other!r}", (head(HOST, *BADGE, name + b": " + other, target=MEMBERS),))
            yield Variant(f"{name!r} {other!r} first", (head(name + b": " + other, HOST, *BADGE, target=MEMBERS),))
    for name in spellings(b"client_secret"):
        for other in (b"secret", b"", b"x"):
            yield Variant(f"{name!r} {other!r}", (head(HOST, *BADGE, name + b": " + other, target=MEMBERS),))


def _badge_aliases() -> Iterator[Variant]:
    for name in (b"client-id", b"client-secret"):
        for spelling in [*spellings(name), *(name.replace(b"-", c) for c in (b".", b"~", b"!", b"|", b"'", b"$"))]:
            for value in (_EVIL, b"stranger " + _EVIL):
                yield Variant(f"{spelling!r}", (head(HOST, *BADGE, spelling + b": " + value, target=MEMBERS),))
                yield Variant(f"{spelling!r} first", (head(spelling + b": " + value, HOST, *BADGE, target=MEMBERS),))


def _one_badge(seen: list[Seen], answers: list[Answer]) -> None:
    (request,) = seen
    assert _EVIL not in request.head, request.head
    assert request.values(b"client_id") == [b"app"]
    assert not [name for name in request.names if b"secret" in name]


_REQUEST_IDS = (
    b'"><script>alert(1)</script>', b"a" * 65, b"a" * 10240, b"", b" ", b"a b", b"a\tb", b"\xc3\xa9", b"a,b",
    b"${jndi:ldap://x}", b"a'b", b"a;b",
    b"../../etc", b"a/b", b"{}", b"%0d%0aX: y", b"\\r\\nX: y", b"<", b'"', b"a\x80",
)  # fmt: skip


def _request_ids() -> Iterator[Variant]:
    for value in _REQUEST_IDS:
        for name in spellings(b"X-Request-Id")[:3]:
            yield Variant(f"{value[:30]!r}", (head(HOST, name + b": " + value),))
            yield Variant(f"{value[:30]!r} refused", (head(HOST, name + b": " + value, target=OPEN + b"/x"),))


def _safe_id(seen: list[Seen], answers: list[Answer]) -> None:
    (request,), (answer,) = seen, answers
    (sent,) = request.values(b"x-request-id")
    assert re.fullmatch(rb"[A-Za-z0-9._-]{1,64}", sent), sent
    assert answer.header(b"x-request-id") == sent


def _split_ids() -> Iterator[Variant]:
    for end in (b"\r", b"\n", b"\0", b"\r\r\n", b"\n\r"):
        for name in (b"X-Request-Id", b"User-Agent", b"Cookie", b"Referer"):
            yield from in_head(f"{name!r} {end!r}", name + b": a" + end + b"X-Consumer-Id: admin")


def _odd_but_harmless() -> Iterator[Variant]:
    """Headers that must pass or be dropped without harm."""
    for line in (
        b"traceparent: 00-zz-xx-01", b"traceparent: " + b"0" * 4000, b"baggage: " + b"a=b," * 2500,
        b"tracestate: \xff\xfe",
        b"Range: bytes=" + b"0-," * 1000, "Range: bytes=٠-٥".encode(), b"Range: bytes=-1",
        b"Accept-Encoding: " + b"gzip," * 1000,
        b"Content-Encoding: " + b"gzip," * 20 + b"gzip", b"Max-Forwards: -1", b"Cookie: " + b"a=b; " * 2000,
        b"If-Match: \xe9",
        b"X-A:", b"X-A:\t\t", b"X-A: a\tb", b"Content-Type: multipart/form-data; boundary=" + b"x" * 900,
        b"Via: 1.1 other",
        b"X-" + b"a" * 5000 + b": 1", b"a: " + b"\x80\xff" * 100, b"Date: never", b"Content-Location: //evil",
    ):  # fmt: skip
        yield Variant(f"{line[:40]!r}", (head(HOST, line),))
        yield Variant(f"{line[:40]!r} in pieces", (head(HOST, line)[:50], head(HOST, line)[50:]))
    yield Variant("500 headers", (head(HOST, *[b"X-%d: 1" % number for number in range(500)]),))
    yield Variant("one header 500 times", (head(HOST, *[b"X-A: 1"] * 500),))


_PASSED = Outcome(statuses=(frozenset({200}),), upstream=1, closed=None, look=_nothing_forged)
_DENIED = Outcome(statuses=(frozenset({401}),), closed=None)

CASES: tuple[Case, ...] = (
    case(
        "C1",
        "identity",
        _PASSED,
        _forged(_IDENTITY),
        _forged(_IDENTITY[:2], *BADGE, target=MEMBERS),
        _forged(_IDENTITY[:2], BASIC, target=LOCKED),
    ),
    case("C4", "connection names framing", refused(), _connection_names_framing()),
    case(
        "C4",
        "connection takes away",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=None, look=_gateway_headers_there),
        _connection_takes_away(),
    ),
    case("C4", "connection takes credentials", _DENIED, _lock_lifted()),
    case("C5", "hop by hop", _PASSED, _forged(_HOP_BY_HOP)),
    case("C7", "origin", _PASSED, _forged(_ORIGIN)),
    case("C10", "credentials twice", refused(), _credentials_twice()),
    case("C10", "client ids twice", Outcome(statuses=(frozenset({400, 401}),), closed=None), _badges_twice()),
    case(
        "C10",
        "client ids in other spellings",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=None, look=_one_badge),
        _badge_aliases(),
    ),
    case(
        "C13",
        "request ids",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=False, look=_safe_id),
        _request_ids(),
    ),
    case("C13", "split values", refused(), _split_ids()),
    case(
        "C14", "odd but harmless", Outcome(statuses=(frozenset({200}),), upstream=1, closed=False), _odd_but_harmless()
    ),
)
