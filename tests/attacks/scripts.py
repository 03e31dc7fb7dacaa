"""What the service does instead of answering as it should, by name. A path with `/do/NAME/` asks for it."""

from __future__ import annotations

from tests.attacks.switches import SWITCHES
from tests.attacks.upstream import Step

# What a careless client would take for the answer to its next request.
STRAY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"
_START = b"HTTP/1.1 200 OK\r\n"


def _heads() -> dict[str, bytes]:
    """Answers with a head that must not be believed, by name."""
    return {
        "two-lengths": _START + b"Content-Length: 2\r\nContent-Length: 7\r\n\r\nhi",
        "same-length-twice": _START + b"Content-Length: 2\r\ncontent-length: 2\r\n\r\nhi",
        "list-of-lengths": _START + b"Content-Length: 2, 2\r\n\r\nhi",
        "length-and-chunked": _START + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "chunked-and-length": _START + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "two-codings": _START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "other-coding": _START + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "unknown-coding": _START + b"Transfer-Encoding: xchunked\r\n\r\nhi",
        "chunked-in-http10": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "plus-length": _START + b"Content-Length: +2\r\n\r\nhi",
        "minus-length": _START + b"Content-Length: -2\r\n\r\nhi",
        "hex-length": _START + b"Content-Length: 0x2\r\n\r\nhi",
        "empty-length": _START + b"Content-Length:\r\n\r\nhi",
        "underscore-length": _START + b"Content-Length: 1_0\r\n\r\nhihihihihi",
        "fullwidth-length": _START + "Content-Length: ２\r\n\r\nhi".encode(),
        "huge-length": _START + b"Content-Length: 99999999999999999999\r\n\r\nhi",
        "zero-length-twice": _START + b"Content-Length: 0\r\nContent-Length: 2\r\n\r\nhi",
        "length-space-colon": _START + b"Content-Length : 2\r\n\r\nhi",
        "length-nbsp": _START + b"Content-Length\xa0: 2\r\n\r\nhi",
        "folded": _START + b"X-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\nhi",
        "bare-lf": _START + b"X-A: 1\nX-B: 2\r\nContent-Length: 2\r\n\r\nhi",
        "bare-cr": _START + b"X-A: 1\rX-B: 2\r\nContent-Length: 2\r\n\r\nhi",
        "only-lf": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
        "nul-in-value": _START + b"X-A: a\0b\r\nContent-Length: 2\r\n\r\nhi",
        "escape-in-value": _START + b"X-A: a\x1bb\r\nContent-Length: 2\r\n\r\nhi",
        "no-colon": _START + b"X-A\r\nContent-Length: 2\r\n\r\nhi",
        "empty-name": _START + b": x\r\nContent-Length: 2\r\n\r\nhi",
        "bad-name": _START + b"X(A: x\r\nContent-Length: 2\r\n\r\nhi",
        "no-version": b"200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "http2": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "lower-version": b"http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "two-digits": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nhi",
        "four-digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nhi",
        "zero-status": b"HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nhi",
        "sign-status": b"HTTP/1.1 +20 OK\r\nContent-Length: 2\r\n\r\nhi",
        "two-spaces": b"HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "nul-in-reason": b"HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nhi",
        "cr-in-reason": b"HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nhi",
        "empty-line-first": b"\r\n" + _START + b"Content-Length: 2\r\n\r\nhi",
        "text": b"hello there\r\n\r\n",
        "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "switching": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n" + STRAY,
        "bad-interim": b"HTTP/1.1 103 Early Hints\r\nX A: 1\r\n\r\n" + STRAY,
        "endless-interim": b"HTTP/1.1 102 Processing\r\n\r\n" * 40 + STRAY,
        "huge-head": _START + b"X-A: " + b"a" * 70_000 + b"\r\nContent-Length: 2\r\n\r\nhi",
        "many-headers": _START + b"X-A: 1\r\n" * 20_000 + b"Content-Length: 2\r\n\r\nhi",
        "endless-line": _START[:-2] + b"x" * 70_000,
        "nothing": b"",
        "half-a-head": _START + b"Content-Len",
    }


def _chunks() -> dict[str, bytes]:
    """Answers with a body that turns out bad, by name."""
    start = _START + b"Transfer-Encoding: chunked\r\n\r\n"
    return {
        "chunk-sign": start + b"+2\r\nhi\r\n0\r\n\r\n", "chunk-hex": start + b"0x2\r\nhi\r\n0\r\n\r\n",
        "chunk-lf": start + b"2\nhi\r\n0\r\n\r\n",
        "chunk-no-end": start + b"2\r\nhiXX0\r\n\r\n", "chunk-cr": start + b"2\r\r;a\r\nhi\r\n0\r\n\r\n",
        "chunk-huge": start + b"f" * 17 + b"\r\nhi",
        "chunk-space": start + b"2 \r\nhi\r\n0\r\n\r\n", "chunk-word": start + b"hi\r\n",
        "chunk-trailer": start + b"2\r\nhi\r\n0\r\nX A: 1\r\n\r\n",
        "chunk-lf-end": start + b"2\r\nhi\r\n0\n\n", "chunk-later": start + b"2\r\nhi\r\nzz\r\n",
    }  # fmt: skip


def _whole() -> dict[str, bytes]:
    """Answers with more after them than belongs to them, by name."""
    return {
        "more-than-nothing": _START + b"Content-Length: 0\r\n\r\n" + STRAY,
        "one-byte-more": _START + b"Content-Length: 2\r\n\r\nhi!",
        "line-end-more": _START + b"Content-Length: 2\r\n\r\nhi\r\n",
        "line-end-after-chunks": _START + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n\r\n",
        "more-than-length": _START + b"Content-Length: 2\r\n\r\nhi" + STRAY,
        "more-than-chunks": _START + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" + STRAY,
        "more-than-trailers": _START
        + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nContent-Length: 9\r\n\r\n"
        + STRAY,
        "after-interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        + _START
        + b"Content-Length: 2\r\n\r\nhi"
        + STRAY,
        "after-continue": b"HTTP/1.1 100 Continue\r\n\r\n" + _START + b"Content-Length: 2\r\n\r\nhi" + STRAY,
    }


def _bodiless() -> dict[str, bytes]:
    """Answers that have no body whatever their head says, with one all the same, by name."""
    return {
        "no-content": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n" + STRAY,
        "no-content-chunked": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nstray\r\n0\r\n\r\n",
        "not-modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" + STRAY,
    }


BAD_HEADS = _heads()
BAD_CHUNKS = _chunks()
TOO_MUCH = _whole()
BODILESS = _bodiless()

# What is not whole has to end, or the gateway would rightly wait for more.
_ENDING = frozenset({"nothing", "half-a-head"})


def _script(name: str, data: bytes) -> tuple[Step, ...]:
    return (Step(data, close=True),) if name in _ENDING else (Step(data),)


SLOW = (b"silent", b"dripping-head", b"endless-hints")
LARGE_BYTES = 48 << 20

SCRIPTS: dict[str, tuple[Step, ...]] = {
    **{
        name: _script(name, data)
        for group in (BAD_HEADS, BAD_CHUNKS, TOO_MUCH, BODILESS)
        for name, data in group.items()
    },
    # The same, a few bytes at a time.
    **{
        f"slow-{name}": tuple(Step(data[at : at + 9], wait=0.002) for at in range(0, len(data), 9))
        for name, data in BAD_HEADS.items()
        if len(data) < 400 and name not in _ENDING
    },
    **{name: (Step(data),) for name, data in SWITCHES.items()},
    "ws-late": (Step(SWITCHES["ws-good"], wait=0.2),),
    "ws-refused": (Step(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),),
    "later-stray": (Step(_START + b"Content-Length: 2\r\n\r\nhi"), Step(STRAY, wait=0.01)),
    "cut-length": (Step(_START + b"Content-Length: 20\r\n\r\nhi", close=True),),
    "cut-chunks": (Step(_START + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhi", close=True),),
    "until-close": (Step(_START + b"\r\nhi", close=True),),
    "continue": (Step(b"HTTP/1.1 100 Continue\r\n\r\n"), Step(_START + b"Content-Length: 2\r\n\r\nhi", wait=0.01)),
    "hints": (
        Step(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
        Step(b"HTTP/1.1 102 Processing\r\n\r\n", wait=0.01),
        Step(_START + b"Content-Length: 2\r\n\r\nhi", wait=0.01),
    ),
    "expectation-failed": (Step(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"),),
    "large": (Step(_START + b"Content-Length: %d\r\n\r\n" % LARGE_BYTES), *(Step(b"x" * (1 << 20)) for _ in range(48))),
    "silent": (Step(wait=25),),
    "endless-hints": tuple(Step(b"HTTP/1.1 103 Early Hints\r\n\r\n", wait=1) for _ in range(25)),
    "dripping-head": tuple(Step(bytes([byte]), wait=1) for byte in _START + b"X-A: 1\r\n"),
}
