"""Whatever frames come, in whatever order: no crash, no hang, and each stream has one whole answer or an end."""

from __future__ import annotations

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
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_runtime.http2.caller import CallerConnection
from gateway_runtime.http2.frames import PREFACE
from tests.gateway_runtime.fakes import PORT, FakeGateway, FakeTransport
from tests.gateway_runtime.http2.peers import fields

NUMBERS = st.sampled_from([1, 3, 5, 7, 9])
ODD = st.sampled_from([0, 1, 2, 3, 4, 11])
HEADS = [
    fields(b"/api/a"),
    fields(b"/api/b", (b"content-length", b"3"), method=b"POST"),
    fields(b"/api/c", method=b"POST"),
    fields(b"/api/d", (b"content-type", b"application/grpc"), (b"te", b"trailers"), method=b"POST"),
    fields(b"/api/../e"),
    fields(b"/nowhere"),
    fields(b"/api/f", (b"connection", b"close")),
    fields(b"/api/g", (b"expect", b"100-continue"), method=b"PUT"),
    fields(b"/api/h", method=b"HEAD"),
    [(b"x-trailer", b"1")],
    [(b":method", b"GET")],
    [],
]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + b"x" * 70_000,
    b"nonsense\r\n\r\n",
]


def made(kind: type[Frame], number: int, flags: list[str] = [], **values: object) -> Frame:  # noqa: B006
    """Return a frame, also one that the library would not make."""
    frame = kind(0 if kind in (SettingsFrame, PingFrame, GoAwayFrame) else 1)
    frame.stream_id = number
    for flag in flags:
        frame.flags.add(flag)
    for name, value in values.items():
        setattr(frame, name, value)
    return frame


def flags(*names: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True)


STEPS = st.one_of(
    st.tuples(st.just("head"), NUMBERS, st.sampled_from(range(len(HEADS))), st.booleans()),
    st.tuples(st.just("head"), ODD, st.sampled_from(range(len(HEADS))), st.booleans()),
    st.builds(
        lambda n, d, f: made(DataFrame, n, f, data=b"x" * d), NUMBERS, st.sampled_from([0, 3, 9000]),
        flags("END_STREAM"),
    ),
    st.builds(lambda n, c: made(RstStreamFrame, n, error_code=c), NUMBERS, st.integers(0, 20)),
    st.builds(lambda n, i: made(WindowUpdateFrame, n, window_increment=i), st.sampled_from([0, 1, 3, 5]),
              st.sampled_from([1, 70_000, 2**31 - 1])),
    st.builds(lambda s: made(SettingsFrame, 0, settings=s), st.dictionaries(
        st.sampled_from([1, 2, 3, 4, 5, 6, 8, 99]), st.sampled_from([0, 1, 100, 16_384, 70_000, 2**31 - 1]))),
    st.builds(lambda: made(PingFrame, 0, opaque_data=b"12345678")),
    st.builds(lambda n, d: made(PriorityFrame, n, depends_on=d), NUMBERS, st.integers(0, 9)),
    st.builds(lambda n, d, f: made(ContinuationFrame, n, f, data=d), NUMBERS, st.binary(max_size=9),
              flags("END_HEADERS")),
    st.builds(lambda n, d, f: made(HeadersFrame, n, f, data=d), NUMBERS, st.binary(max_size=20),
              flags("END_HEADERS", "END_STREAM")),
    st.builds(lambda n: made(GoAwayFrame, 0, last_stream_id=n), st.integers(0, 9)),
    st.binary(min_size=1, max_size=30),
    st.tuples(st.just("answer"), st.integers(0, 7), st.sampled_from(range(len(ANSWERS)))),
    st.tuples(st.just("gone"), st.integers(0, 7)),
    st.tuples(st.just("time"), st.sampled_from([1.0, 20.0, 70.0, 310.0])),
    st.tuples(st.just("pause"), st.booleans()),
)  # fmt: skip


class Checked:
    """Reads what the gateway writes, and knows what may not follow what."""

    def __init__(self) -> None:
        self.decoder = Decoder()
        self.data = b""
        self.begun: set[int] = set()
        self.over: set[int] = set()
        self.goodbye = False

    def read(self, data: bytes) -> None:
        self.data += data
        while len(self.data) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(self.data[:9]))
            assert len(self.data) >= 9 + length, "half a frame was written"
            frame.parse_body(memoryview(self.data[9 : 9 + length]))
            self.data = self.data[9 + length :]
            self.check(frame)

    def check(self, frame: Frame) -> None:
        number = frame.stream_id
        if isinstance(frame, RstStreamFrame):
            self.over.add(number)
        elif isinstance(frame, HeadersFrame):
            assert number not in self.over, "headers after the end"
            found = self.decoder.decode(frame.data, raw=True)
            assert "END_HEADERS" in frame.flags
            status = dict(found)[b":status"]
            assert number not in self.begun
            if not status.startswith(b"1"):
                self.begun.add(number)
        elif isinstance(frame, DataFrame):
            assert number in self.begun, "a body before its head"
            assert number not in self.over, "a body after the end"
        elif isinstance(frame, GoAwayFrame):
            self.goodbye = True
        if isinstance(frame, HeadersFrame | DataFrame) and "END_STREAM" in frame.flags:
            self.over.add(number)


class Play:
    """A gateway, its services, and a client that does as told."""

    def __init__(self) -> None:
        self.gateway = FakeGateway()
        self.services = [self.gateway.upstream() for _ in range(8)]
        self.transport = FakeTransport()
        self.connection = CallerConnection(self.gateway.state, PORT)
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]
        self.encoder = Encoder()
        self.checked = Checked()
        self.paused = False
        self.receive(PREFACE + SettingsFrame(0).serialize())

    def receive(self, data: bytes) -> None:
        if not self.transport.closed:
            self.connection.data_received(data)
        self.checked.read(self.transport.take())

    def step(self, step: object) -> None:
        if isinstance(step, Frame):
            self.receive(step.serialize())
        elif isinstance(step, bytes):
            self.receive(step)
        elif isinstance(step, tuple):
            getattr(self, step[0])(*step[1:])
            self.checked.read(self.transport.take())
        self.check_progress()

    def check_progress(self) -> None:
        """Nothing waits that could be sent."""
        connection = self.connection
        for stream in connection._waiting:
            room = connection.state.local_flow_control_window(stream.number)
            assert room <= 0 or not connection.writable, "a stream waits for nothing"

    def head(self, number: int, which: int, ended: bool) -> None:
        more = ["END_HEADERS", "END_STREAM"] if ended else ["END_HEADERS"]
        self.receive(made(HeadersFrame, number, more, data=self.encoder.encode(HEADS[which])).serialize())

    def answer(self, index: int, which: int) -> None:
        service = self.services[index]
        if service.connection.exchange is not None and not service.transport.closed:
            service.answer(ANSWERS[which])

    def gone(self, index: int) -> None:
        service = self.services[index]
        if service.connection.exchange is not None:
            service.connection.used = False  # or it would be asked again, on a new connection
            service.go(ConnectionResetError())

    def time(self, seconds: float) -> None:
        self.gateway.pass_time(seconds)
        # Idle ones have been closed by that; without any, a new one would be connected to.
        self.services = [self.gateway.upstream() if each.transport.closed else each for each in self.services]

    def pause(self, paused: bool) -> None:
        if paused is not self.paused and not self.transport.closed:
            self.paused = paused
            (self.connection.pause_writing if paused else self.connection.resume_writing)()


@settings(deadline=None, max_examples=500)
@given(st.lists(STEPS, max_size=25))
def test_any_frames_lead_to_whole_answers_or_an_end(steps: list[object]) -> None:
    play = Play()
    for step in steps:
        play.step(step)
    open_streams = set(play.connection.streams)
    assert not open_streams & play.checked.over - {
        number for number, stream in play.connection.streams.items() if not stream.closed and stream.ended
    }
    play.connection.connection_lost(None)
    assert not play.gateway.state.connections
    assert play.gateway.pool.active == 0
    assert len(play.gateway.recorded.rows) <= len(steps)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_after_the_preface_end_in_order(data: bytes) -> None:
    play = Play()
    play.receive(data)
    play.connection.connection_lost(None)
    assert not play.gateway.state.connections


@settings(deadline=None, max_examples=150)
@given(st.lists(STEPS, max_size=12))
def test_a_good_connection_beside_any_other_is_served(steps: list[object]) -> None:
    play = Play()
    for step in steps:
        play.step(step)
    good = CallerConnection(play.gateway.state, PORT)
    transport = FakeTransport()
    good.connection_made(transport)  # type: ignore[arg-type]
    service = play.gateway.upstream()
    good.data_received(
        PREFACE
        + SettingsFrame(0).serialize()
        + made(HeadersFrame, 1, ["END_HEADERS", "END_STREAM"], data=Encoder().encode(fields())).serialize()
    )
    assert service.take().startswith(b"GET /x HTTP/1.1\r\n")
    service.answer(ANSWERS[0])
    checked = Checked()
    checked.read(transport.take())
    assert checked.over == {1}
