"""Class A from 25, and F13: answers that come early or wrongly or go on too long, and connections that change hands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.attacks import scripts
from tests.attacks.client import Answer
from tests.attacks.upstream import Seen
from tests.attacks.variants import (
    CHUNKED,
    GOOD,
    HOST,
    LOCKED,
    OPEN,
    SMUGGLED,
    TOKEN,
    Case,
    Outcome,
    Variant,
    case,
    cut,
    head,
    refused,
    spellings,
)

_METHODS = (b"GET", b"POST", b"DELETE")


def _asking(names: Iterable[str], *, slow: bool = False, methods: tuple[bytes, ...] = _METHODS) -> Iterator[Variant]:
    for name in names:
        for spelling in (name, f"slow-{name}") if slow else (name,):
            if spelling in scripts.SCRIPTS:
                for method in methods:
                    target = OPEN + b"/do/" + spelling.encode()
                    yield Variant(f"{method!r} {spelling}", (head(HOST, target=target, method=method),))
                    yield Variant(
                        f"{method!r} {spelling} on a used connection",
                        (GOOD, head(HOST, target=target, method=method)),
                        before=1,
                    )


def _no_stray(seen: list[Seen], answers: list[Answer]) -> None:
    (answer,) = answers
    assert b"stray" not in answer.body
    assert not answer.header(b"x-a")


def _exactly_hi(seen: list[Seen], answers: list[Answer]) -> None:
    (answer,) = answers
    assert (answer.whole, answer.body) == (True, b"hi")


def _not_whole(seen: list[Seen], answers: list[Answer]) -> None:
    (answer,) = answers
    assert answer.status == 502 or not answer.whole, answer


def _empty(seen: list[Seen], answers: list[Answer]) -> None:
    (answer,) = answers
    assert answer.body == b""


def _early() -> Iterator[Variant]:
    """Refused by a policy while the body, which looks like requests, is still to come."""
    body = SMUGGLED * 3
    heads = {
        "length": (head(HOST, b"Content-Length: %d" % len(body), target=LOCKED, method=b"POST"), body),
        "chunks": (head(HOST, CHUNKED, target=LOCKED, method=b"POST"), b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
        "no api": (head(HOST, b"Content-Length: %d" % len(body), target=b"/none/" + TOKEN, method=b"POST"), body),
        "large": (head(HOST, b"Content-Length: 900000", target=LOCKED, method=b"POST"), body * 200),
        "not all of it": (head(HOST, b"Content-Length: 5000", target=LOCKED, method=b"POST"), body),
        "expecting": (head(HOST, b"Content-Length: %d" % len(body), b"Expect: 100-continue", target=LOCKED,
                           method=b"POST"), body),
        "expecting chunks": (head(HOST, CHUNKED, b"Expect: 100-continue", target=LOCKED, method=b"POST"),
                             b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
        "1.0": (head(HOST, b"Content-Length: %d" % len(body), target=LOCKED, method=b"POST", version=b"HTTP/1.0"),
                body),
        "get": (head(HOST, b"Content-Length: %d" % len(body), target=LOCKED), body),
    }  # fmt: skip
    for label, (start, rest) in heads.items():
        yield Variant(f"{label} at once", (start + rest,))
        yield Variant(f"{label} later", (start, rest))
        yield Variant(f"{label} in halves", (start + rest[:100], rest[100:]))
        yield Variant(f"{label} never", (start,))
        yield Variant(f"{label} after a good one", (GOOD + start, rest), before=1)
        if len(rest) < 1000:
            yield from cut(Variant(label, (start + rest,)), 90)


def _early_service() -> Iterator[Variant]:
    """Answered by the service while the body is still to come."""
    target = OPEN + b"/early"
    for count in (1, 3, 2000):
        body = SMUGGLED * count
        length = head(HOST, b"Content-Length: %d" % len(body), target=target, method=b"POST")
        chunked = head(HOST, CHUNKED, target=target, method=b"POST")
        for label, start, rest in (
            ("length", length, body), ("chunks", chunked, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
            ("not all of it", length, body[:-10]), ("chunks for ever", chunked, b"%x\r\n%b\r\n" % (len(body), body)),
        ):  # fmt: skip
            yield Variant(f"{label} {count} at once", (start + rest,))
            yield Variant(f"{label} {count} later", (start, rest))
            yield Variant(f"{label} {count} in three", (start + rest[:50], rest[50:90], rest[90:]))


def _refused_once(seen: list[Seen], answers: list[Answer]) -> None:
    assert not seen


def _expecting() -> Iterator[Variant]:
    for name in spellings(b"Expect"):
        for value in (b"x", b"100-continue, x", b"100-continue;a", b"", b"200-ok", b"100-continue 100-continue",
                      b"continue", b"100", b"100-Continued", b'"100-continue"',
                      b"\xa0100-continue", b"100-continue,"):  # fmt: skip
            yield Variant(
                f"{name!r} {value!r}",
                (head(HOST, name + b": " + value, b"Content-Length: 5", method=b"POST") + b"hello" + SMUGGLED,),
            )
        yield Variant(
            f"twice {name!r}",
            (
                head(HOST, b"Expect: 100-continue", name + b": 100-continue", b"Content-Length: 5", method=b"POST")
                + b"hello",
            ),
        )


def _continued() -> Iterator[Variant]:
    for value in spellings(b"100-continue"):
        start = head(HOST, b"Expect: " + value, b"Content-Length: 5", method=b"POST")
        chunked = head(HOST, b"Expect: " + value, CHUNKED, method=b"PUT")
        for first, rest in ((start, b"hello"), (chunked, b"5\r\nhello\r\n0\r\n\r\n")):
            yield Variant(f"{value!r} at once", (first + rest,))
            yield Variant(f"{value!r} later", (first, rest))
            yield Variant(f"{value!r} bit by bit", (first, rest[:2], rest[2:]))
    for script in (b"continue", b"hints"):
        yield Variant(f"interim {script!r}", (head(HOST, target=OPEN + b"/do/" + script),))
        for target in (OPEN + b"/do/" + script,):
            yield Variant(
                f"expecting {script!r}",
                (head(HOST, b"Expect: 100-continue", b"Content-Length: 5", target=target, method=b"POST"), b"hello"),
            )


def _bodies_whole(seen: list[Seen], answers: list[Answer]) -> None:
    (request,) = seen
    assert request.body in (b"hello", b"")
    assert b"expect" not in request.names


def _upgrades() -> Iterator[Variant]:
    protocols = (
        b"foo",
        b"h2c",
        b"websocket",
        b"TLS/1.0",
        b"HTTP/2.0",
        b"h2c, websocket",
        b"websocket\t",
        b"IRC/6.9",
        b"",
    )
    for protocol in protocols:
        for name in spellings(b"Upgrade"):
            for connection in (b"Upgrade", b"upgrade, HTTP2-Settings", b"keep-alive, Upgrade"):
                lines = [
                    HOST,
                    name + b": " + protocol,
                    b"Connection: " + connection,
                    b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
                ]
                yield Variant(f"{name!r} {protocol!r} {connection!r}", (head(*lines),))
        yield Variant(
            f"{protocol!r} posted",
            (
                head(HOST, b"Upgrade: " + protocol, b"Connection: Upgrade", b"Content-Length: 5", method=b"POST")
                + b"hello",
            ),
        )


def _not_upgraded(seen: list[Seen], answers: list[Answer]) -> None:
    (request,) = seen
    assert not {b"upgrade", b"connection", b"http2-settings"} & {*request.names}
    assert b"upgrade" not in request.head.lower()


def _switching() -> Iterator[Variant]:
    """The service switches although nobody asked it to; what the client has sent meanwhile is no request."""
    for protocol in (b"foo", b"h2c", b"websocket"):
        for version in (b"HTTP/1.1", b"HTTP/1.0"):
            target = OPEN + b"/do/switching"
            lines = (HOST, b"Upgrade: " + protocol, b"Connection: Upgrade")
            yield Variant(f"{protocol!r} {version!r}", (head(*lines, target=target, version=version),))


def _connects() -> Iterator[Variant]:
    for target in (
        b"gateway.test:443",
        b"127.0.0.1:6379",
        OPEN,
        b"http://gateway.test/public/" + TOKEN,
        b"*",
        b"/",
        b"[::1]:80",
    ):
        for method in (b"CONNECT", b"TRACE"):
            for early in (b"", SMUGGLED, b"\x16\x03\x01", SMUGGLED * 3):
                yield Variant(
                    f"{method!r} {target!r} {early[:4]!r}",
                    (head(HOST, b"X-T: " + TOKEN, method=method, target=target) + early,),
                )
                yield Variant(
                    f"{method!r} {target!r} later {early[:4]!r}",
                    (head(HOST, method=method, target=target), early or b"x"),
                )
    for first in (b"PRI * HTTP/2.1", b"PRI / HTTP/2.0", b"PRI * HTTP/3.0", b"PRX * HTTP/2.0", b"PRI *  HTTP/2.0"):
        yield Variant("almost HTTP/2", (first + b"\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",))


CASES: tuple[Case, ...] = (
    case(
        "A25",
        "refusals before the body",
        Outcome(statuses=(frozenset({401, 404}),), closed=None, look=_refused_once),
        _early(),
    ),
    case(
        "A25",
        "early answers of the service",
        Outcome(statuses=(frozenset({413}),), upstream=None, closed=None, partly=True),
        _early_service(),
    ),
    case("A26", "unknown expectations", refused(417), _expecting()),
    case(
        "A26",
        "interim answers",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=False, look=_bodies_whole),
        _continued(),
    ),
    case(
        "A28",
        "bad answers",
        Outcome(statuses=(frozenset({502}),), upstream=1, closed=None, look=_no_stray),
        _asking((name for name in scripts.BAD_HEADS if name != "nothing"), slow=True),
    ),
    case(
        "F13",
        "nothing on a kept connection",
        Outcome(statuses=(frozenset({502}),), upstream=1, closed=None),
        _asking(["nothing"], methods=(b"POST", b"PATCH")),
    ),
    case(
        "A28",
        "bad chunks",
        Outcome(statuses=(frozenset({200, 502}),), upstream=1, closed=None, look=_not_whole),
        _asking([*scripts.BAD_CHUNKS, "cut-length", "cut-chunks"]),
    ),
    case(
        "A28",
        "more than the answer",
        Outcome(statuses=(frozenset({502}),), upstream=1, closed=None, look=_no_stray),
        _asking(scripts.TOO_MUCH),
    ),
    case(
        "A28",
        "until the connection ends",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=False, look=_exactly_hi),
        _asking(["until-close"]),
    ),
    case(
        "A28",
        "body where there is none",
        Outcome(statuses=(frozenset({204, 304}),), upstream=1, closed=False, look=_empty),
        _asking(scripts.BODILESS),
    ),
    case(
        "A31",
        "upgrades",
        Outcome(statuses=(frozenset({200}),), upstream=1, closed=False, look=_not_upgraded),
        _upgrades(),
    ),
    case(
        "A32",
        "switching unasked",
        Outcome(statuses=(frozenset({502}),), upstream=1, closed=None, look=_no_stray),
        _switching(),
    ),
    case("A34", "tunnels", refused(400, 405, 505), _connects()),
)
