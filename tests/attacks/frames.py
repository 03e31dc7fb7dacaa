"""HTTP/2 attacks: header lists that are no requests, requests that hide another one, and floods, with many variants."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from tests.attacks.variants import OPEN, TOKEN

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame(0).serialize()
AUTHORITY = b"gateway.test"
Field = tuple[bytes, bytes]
Fields = list[Field]
_ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Attack:
    """One header list, perhaps with a body, that must not reach the service, or only its beginning."""

    label: str
    fields: tuple[Field, ...]
    body: bytes | None = None
    partly: bool = False


def request(*more: Field, method: bytes = b"GET", path: bytes = OPEN, **changed: bytes) -> Fields:
    """Return a good header list with more fields."""
    pseudo = {b":method": method, b":scheme": b"http", b":authority": AUTHORITY, b":path": path}
    pseudo.update({b":" + name.encode(): value for name, value in changed.items()})
    return [*pseudo.items(), *more]


def _placed(label: str, given: Field) -> Iterator[Attack]:
    """Return a field after, before and amid the others."""
    good = request((b"x-a", b"1"), (b"x-b", TOKEN))
    for where, at in (("last", len(good)), ("first", 0), ("after the pseudo headers", 4), ("amid", 2)):
        yield Attack(f"{label}, {where}", (*good[:at], given, *good[at:]))


def _attacks() -> Iterator[Attack]:
    for name, value in request():
        yield from _placed(f"{name!r} twice", (name, value))
        yield from _placed(f"another {name!r}", (name, value + b"x"))
    for name in (b":status", b":protocol", b":x", b":", b":Method", b"::path"):
        yield from _placed(f"{name!r}", (name, b"200"))
    for missing in (b":method", b":scheme", b":path", b":authority"):
        yield Attack(f"no {missing!r}", tuple(f for f in request((b"x-b", TOKEN)) if f[0] != missing))
    for name in (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"te"):
        for value in (b"close", b"chunked", b"identity", b"h2c", b"trailers, chunked", b"", TOKEN):
            yield from _placed(f"{name!r}: {value!r}", (name, value))
    for byte in [*range(33), *range(65, 91), 127, 128, 255, *b'"(),/:;<=>?@[\\]{}']:
        if byte != 58:
            yield Attack(f"name with {byte}", tuple(request((b"x-" + bytes([byte]) + b"a", TOKEN))))
    for byte in [*range(9), *range(10, 32), 127]:
        for value in (bytes([byte]), b"a" + bytes([byte]), bytes([byte]) + b"a", b"a" + bytes([byte]) + b"b: " + TOKEN):
            yield Attack(f"value {value!r}", tuple(request((b"x-a", value))))
    inside = b" HTTP/1.1\r\nhost: gateway.test\r\n\r\nGET " + OPEN + b"/smuggled HTTP/1.1\r\nhost: gateway.test\r\n\r\n"
    for name in (b"method", b"path", b"authority", b"scheme"):
        start = dict(request())[b":" + name]
        for tail in (inside, b"\r\n" + TOKEN, b"\n", b"\r", b"\0", b" ", b"\t", b"\x0b", b" x"):
            yield Attack(f"{name!r} with {tail[:9]!r}", tuple(request(**{name.decode(): start + tail})))
            yield Attack(f"{name!r} after {tail[:9]!r}", tuple(request(**{name.decode(): tail + start})))
    for name in (b"x-a", b"cookie", b"host", b"content-length", b"accept", b"authorization", b"te", b"expect"):
        yield Attack(f"a request in {name!r}", tuple(request((name, b"1" + inside))))
    for path in (
        b"", b"*", b"x", b"http://gateway.test/public/" + TOKEN, b"//secret/" + TOKEN, b"/public/../secret/" + TOKEN,
        b"/public/%2e%2e/secret/" + TOKEN, b"/public/..;/secret/" + TOKEN, b"/public\\" + TOKEN,
        b"/public/%2f" + TOKEN, b"/public/#" + TOKEN, b"/public/\xc3\xa9" + TOKEN, b"/public/%00" + TOKEN,
    ):  # fmt: skip
        yield Attack(f"path {path[:20]!r}", tuple(request(path=path)))
    for host in (b"other.test", b"", b"gateway.test:81", b"gateway.test, other.test", b"gateway.test@other.test"):
        yield Attack(f"host {host!r}", tuple(request((b"host", host), (b"x-b", TOKEN))))
    yield Attack("two hosts", tuple(request((b"host", AUTHORITY), (b"host", AUTHORITY), (b"x-b", TOKEN))))
    for length in (b"+3", b"-1", b"3 ", b" 3", b"0x3", b"03", b"3,3", b"3_0", b"\xb2", b"", b"9" * 30, b"2", b"4"):
        yield Attack(
            f"length {length!r}",
            tuple(request((b"content-length", length), method=b"POST")),
            b"abc",
            length in (b"2", b"4"),
        )
    for lengths in ((b"3", b"3"), (b"3", b"4"), (b"3", b"0")):
        both = [(b"content-length", length) for length in lengths]
        yield Attack(f"lengths {lengths!r}", tuple(request(*both, method=b"POST")), b"abc")
    for method in (b"CONNECT", b"TRACE", b"get", b"GET,POST", b"", b"G" * 99):
        yield Attack(f"method {method!r}", tuple(request(method=method)))


ATTACKS = list(_attacks())
FLOODS: dict[str, bytes] = {
    "ping": PingFrame(0, b"12345678").serialize() * 3000,
    "settings": SettingsFrame(0, {4: 65_535}).serialize() * 3000,
    "priority": PriorityFrame(1, depends_on=3).serialize() * 3000,
    "window of the connection": WindowUpdateFrame(0, 1).serialize() * 3000,
    "unknown": b"\0\0\1\xfb\0\0\0\0\1x" * 3000,
    "longest unknown": (b"\0\x40\0\xfb\0\0\0\0\1" + b"x" * 16_384) * 1200,
    "reset": b"".join(
        HeadersFrame(number, Encoder().encode(request()), flags=["END_HEADERS", "END_STREAM"]).serialize()
        + RstStreamFrame(number, 8).serialize()
        for number in range(1, 2001, 2)
    ),
    "streams": b"".join(
        HeadersFrame(number, Encoder().encode(request(method=b"POST")), flags=["END_HEADERS"]).serialize()
        for number in range(1, 4001, 2)
    ),
    "empty data": HeadersFrame(1, Encoder().encode(request(method=b"POST")), flags=["END_HEADERS"]).serialize()
    + DataFrame(1, b"").serialize() * 3000,
    "continuation": HeadersFrame(1, Encoder().encode(request())).serialize()
    + ContinuationFrame(1, b"").serialize() * 3000,
    "full continuation": HeadersFrame(1, Encoder().encode(request())).serialize()
    + ContinuationFrame(1, b"\0" * 16_384).serialize() * 100,
}  # fmt: skip


@dataclass
class Heard:
    """What came back: the statuses and ends of streams, and whether the connection has ended."""

    statuses: dict[int, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    goodbye: int | None = None
    closed: bool = False


class FrameClient:
    """A connection that sends whatever frames it is given."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._decoder = Decoder()
        self.encoder = Encoder()
        self.heard = Heard()

    @classmethod
    async def connect(cls, port: int) -> FrameClient:
        """Connect and send the preface."""
        made = cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))
        made.writer.write(PREFACE)
        return made

    def head(self, number: int, fields: Fields, *, ended: bool, shape: int = 0) -> bytes:
        """Return the frames of a header list: whole, cut in two, in bytes, or with padding and priority."""
        block = self.encoder.encode(fields)
        first = HeadersFrame(number)
        if ended:
            first.flags.add("END_STREAM")
        pieces = [block]
        if shape == 1:
            pieces = [block[: len(block) // 2], block[len(block) // 2 :]]
        elif shape == 2:
            size = -(-len(block) // 8) or 1
            pieces = [block[at : at + size] for at in range(0, len(block), size)]
        elif shape == 3:
            first.flags.add("PADDED")
            first.flags.add("PRIORITY")
            first.pad_length, first.stream_weight = 7, 3
        first.data = pieces[0]
        frames: list[Frame] = [first]
        for piece in pieces[1:]:
            frames.append(ContinuationFrame(number, piece))
        frames[-1].flags.add("END_HEADERS")
        return b"".join(frame.serialize() for frame in frames)

    async def listen(self, *numbers: int) -> Heard:
        """Read until these streams have ended, or the connection has. Raises `TimeoutError`."""
        heard = self.heard
        async with asyncio.timeout(_ANSWER_SECONDS):
            while not set(numbers) <= heard.ended or not numbers:
                try:
                    frame, length = Frame.parse_frame_header(memoryview(await self._reader.readexactly(9)))
                    frame.parse_body(memoryview(await self._reader.readexactly(length)))
                except (asyncio.IncompleteReadError, ConnectionError):
                    heard.closed = True
                    return heard
                self._take(frame)
        return heard

    def _take(self, frame: Frame) -> None:
        heard = self.heard
        if isinstance(frame, HeadersFrame):
            fields = dict(self._decoder.decode(frame.data, raw=True))
            heard.statuses[frame.stream_id] = int(fields[b":status"])
        if isinstance(frame, RstStreamFrame) or "END_STREAM" in frame.flags:
            heard.ended.add(frame.stream_id)
        if isinstance(frame, GoAwayFrame):
            heard.goodbye = int(frame.error_code)

    def close(self) -> None:
        """Hang up."""
        self.writer.close()
