"""Frames cut from bytes, and what too many of the useless ones cost."""

import pytest
from h2.errors import ErrorCodes
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from gateway_runtime.http2.frames import PREFACE, FrameFault, FrameReader
from tests.gateway_runtime.fakes import FakeClock, FakeGateway
from tests.gateway_runtime.http2.peers import Http2Client, fields


def reader(clock: FakeClock | None = None, preface: bytes = b"") -> FrameReader:
    return FrameReader(preface, 100_000, clock or FakeClock())


def frame(kind: type[Frame], stream: int = 0, **values: object) -> bytes:
    made = kind(stream)
    for name, value in values.items():
        setattr(made, name, value)
    return made.serialize()


PING = frame(PingFrame, opaque_data=b"12345678")
SETTINGS = frame(SettingsFrame, settings={4: 70_000})
UPDATE = frame(WindowUpdateFrame, window_increment=1)
RESET = frame(RstStreamFrame, 1)
EMPTY = frame(DataFrame, 1, data=b"")
PRIORITY = frame(PriorityFrame, 1, depends_on=3)
UNKNOWN = b"\0\0\1\xfa\0\0\0\0\0x"


@pytest.mark.parametrize("size", [1, 2, 9, 10, 1000])
def test_frames_may_come_in_any_pieces(size: int) -> None:
    data = PREFACE + SETTINGS + PING + UNKNOWN + frame(DataFrame, 1, data=b"abc")
    reading = reader(preface=PREFACE)
    found = [each for at in range(0, len(data), size) for each in reading.feed(data[at : at + size])]
    assert found == [(4, SETTINGS), (6, PING), (0, frame(DataFrame, 1, data=b"abc"))]
    assert not reading.unfinished


def test_other_bytes_than_the_preface_are_refused_at_once() -> None:
    for bad in (b"GET / HTTP/1.1\r\n", PREFACE[:-1] + b"x"):
        with pytest.raises(FrameFault):
            list(reader(preface=PREFACE).feed(bad))


def test_long_frames_that_bring_nothing_are_used_up_sooner() -> None:
    long = b"\0\x40\0\xfa\0\0\0\0\0" + b"x" * 16_384
    reading = reader()
    list(reading.feed(long * 200))
    with pytest.raises(FrameFault) as caught:
        list(reading.feed(long))
    assert caught.value.code == ErrorCodes.ENHANCE_YOUR_CALM


def test_a_frame_that_says_too_much_is_refused_before_it_comes() -> None:
    with pytest.raises(FrameFault) as caught:
        list(reader().feed(b"\0\x40\x01\0\0\0\0\0\1"))
    assert caught.value.code == ErrorCodes.FRAME_SIZE_ERROR


@pytest.mark.parametrize(
    "flood", [PING, SETTINGS, UPDATE, RESET, EMPTY, PRIORITY, UNKNOWN],
    ids=["ping", "settings", "window", "reset", "empty", "priority", "unknown"],
)  # fmt: skip
def test_a_flood_ends(flood: bytes) -> None:
    clock = FakeClock()
    reading = reader(clock)
    with pytest.raises(FrameFault) as caught:
        list(reading.feed(flood * 1100))
    assert caught.value.code == ErrorCodes.ENHANCE_YOUR_CALM


@pytest.mark.parametrize("steady", [PING, SETTINGS, UPDATE, EMPTY], ids=["ping", "settings", "window", "empty"])
def test_a_few_each_second_are_fine_for_ever(steady: bytes) -> None:
    clock = FakeClock()
    reading = reader(clock)
    for _ in range(60):
        clock.advance(1)
        list(reading.feed(steady * 150))


def test_who_is_sent_much_may_open_windows_often() -> None:
    reading = reader()
    for _ in range(5000):
        reading.allow_updates(16_384)
        list(reading.feed(UPDATE * 8))


@pytest.mark.parametrize("size", [0, 1, 16_000])
def test_a_header_block_without_end_ends(size: int) -> None:
    reading = reader()
    first = HeadersFrame(1)
    first.data = b"\x82"
    list(reading.feed(first.serialize()))
    assert reading.unfinished
    with pytest.raises(FrameFault) as caught:
        list(reading.feed(frame(ContinuationFrame, 1, data=b"\0" * size) * 20))
    assert caught.value.code == ErrorCodes.ENHANCE_YOUR_CALM


@pytest.mark.parametrize(
    "data",
    [
        frame(DataFrame, 1, data=b"x"), b"\0\0\1\0\0\0\0\0\0x", b"\0\0\1\1\4\0\0\0\2\x82",
        b"\0\0\1\1\4\0\0\0\0\x82", frame(ContinuationFrame, 1, data=b""), RESET,
        frame(WindowUpdateFrame, 0, window_increment=2**31 - 1), frame(WindowUpdateFrame, 1, window_increment=1),
        b"\0\0\4\x08\0\0\0\0\0\0\0\0\0", b"\0\0\5\x04\0\0\0\0\0\0\0\0\0\0", b"\0\0\6\x04\0\0\0\0\1\0\3\0\0\0\1",
        b"\0\0\6\x04\0\0\0\0\0\0\4\xff\xff\xff\xff", b"\0\0\6\x04\0\0\0\0\0\0\5\0\0\0\1",
        b"\0\0\7\x06\0\0\0\0\0AAAAAAA",
        b"\0\0\7\x07\0\0\0\0\0AAAAAAA", b"\0\0\4\x05\4\0\0\0\1\0\0\0\2", b"\0\0\1\x01\5\0\0\0\1\x80",
        b"\0\0\3\x01\5\0\0\0\1\xff\xff\xff", b"\0\0\1\x01\x0d\0\0\0\1\x05",
    ],
)  # fmt: skip
def test_a_broken_protocol_ends_the_connection_and_nothing_else(data: bytes) -> None:
    gateway = FakeGateway()
    upstream = gateway.upstream()
    client = Http2Client(gateway.state)
    client.send_raw(data)
    assert client.transport.closed
    assert client.goodbye is not None
    assert client.goodbye[0] != 0
    other = Http2Client(gateway.state)
    number = other.ask()
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    assert other.heard(number).body == b"hi"


def test_asking_and_giving_up_again_and_again_ends() -> None:
    gateway = FakeGateway()
    client = Http2Client(gateway.state)
    asked = 0
    while not client.transport.closed:
        gateway.upstream()
        number = client.ask()
        asked += 1
        client.h2.reset_stream(number)
        client.flush()
        assert asked < 300
    assert client.goodbye == (ErrorCodes.ENHANCE_YOUR_CALM, 2 * asked - 1)


def test_a_header_bomb_is_not_unpacked() -> None:
    gateway = FakeGateway()
    client = Http2Client(gateway.state)
    large = (b"x-large", b"x" * 3900)
    client.ask(fields(b"/elsewhere", large))
    number = client.h2.get_next_available_stream_id()
    client.h2.send_headers(number, fields(b"/elsewhere", *[large] * 16), end_stream=True)
    client.flush()
    assert client.heard(number).status == 431
    # Above four times the limit nothing is decoded any more.
    client.h2.send_headers(number + 2, fields(b"/elsewhere", *[large] * 4000), end_stream=True)
    client.flush()
    assert client.goodbye is not None
    assert client.goodbye[0] == ErrorCodes.ENHANCE_YOUR_CALM
