"""What both sides of HTTP/2 have in common: frames to events, streams that take turns, one write for what is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, StreamReset, TrailersReceived, WindowUpdated
from h2.exceptions import H2Error, ProtocolError
from hyperframe.frame import GoAwayFrame

from gateway_runtime.http2.coding import Field, Http2State
from gateway_runtime.http2.frames import GOAWAY, HEAD_BYTES, FrameFault, FrameReader
from gateway_runtime.http2.stream import Stream

# So much of one stream, then it is the turn of another one.
TURN_BYTES = 64 << 10
_LONGEST_FRAME = 64 << 10


class Http2Connection(asyncio.Protocol):
    """One connection and its streams by number."""

    __slots__ = ("_handlers", "_ready_bytes", "_receiving", "_waiting", "frames", "lost", "state", "streams",
                 "transport", "writable")  # fmt: skip

    transport: asyncio.Transport
    streams: dict[int, Any]

    def __init__(self, state: Http2State, frames: FrameReader) -> None:
        self.state = state
        self.frames = frames
        self.streams = {}
        self.writable = True
        # No frame can be sent or taken any more.
        self.lost = False
        # Streams that have more to send than they may at the moment, in the order of their turns.
        self._waiting: dict[Stream, None] = {}
        self._receiving = False
        self._ready_bytes = 0
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            DataReceived: self._on_data,
            TrailersReceived: self._on_trailers,
            StreamReset: self._on_reset,
            WindowUpdated: self._on_window,
            **self.handlers(),
        }

    def handlers(self) -> dict[type[Event], Callable[[Any], None]]:
        """Return what one side alone takes."""
        raise NotImplementedError

    # Reading

    def data_received(self, data: bytes) -> None:
        self._receiving = True
        handlers = self._handlers
        state = self.state
        try:
            for kind, frame in self.frames.feed(data):
                if kind == GOAWAY:
                    # `h2` would take nothing more, though streams that are under way go on.
                    self._read_goaway(frame)
                else:
                    for event in state.receive_data(frame):
                        handler = handlers.get(type(event))
                        if handler is not None:
                            handler(event)
                if self.lost:
                    return
        except FrameFault as fault:
            self.fail(fault.code)
        except ProtocolError as error:
            self.fail(error.error_code)
        finally:
            self._receiving = False
        self.flush()

    def _read_goaway(self, frame: bytes) -> None:
        if len(frame) < HEAD_BYTES + 8 or any(frame[5:HEAD_BYTES]):
            raise FrameFault(ErrorCodes.PROTOCOL_ERROR)
        self.on_goaway(int.from_bytes(frame[HEAD_BYTES : HEAD_BYTES + 4], "big") & 0x7FFFFFFF)

    def on_goaway(self, last: int) -> None:
        """The peer begins nothing new, and takes no stream above `last`."""
        raise NotImplementedError

    def _on_data(self, event: DataReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is None:
            # Given up while it was on its way: the window of the connection is still used by it.
            self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        else:
            stream.received(event.data, event.flow_controlled_length, event.stream_ended is not None)

    def _on_trailers(self, event: TrailersReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.received_trailers(self.state.decoder.fields)

    def _on_reset(self, event: StreamReset) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            if not event.remote_reset:
                self.frames.spend_reset()
            stream.over()
            stream.was_reset(event.error_code or 0)

    def _on_window(self, event: WindowUpdated) -> None:
        if event.stream_id:
            stream = self.streams.get(event.stream_id)
            if stream is not None and stream in self._waiting:
                self.push(stream)
        else:
            self.push_all()

    # Writing

    def send_head(self, stream: Stream, fields: list[Field], *, ended: bool) -> None:
        """Send headers or trailers."""
        self.state.send_headers(stream.number, fields, end_stream=ended)
        if ended:
            stream.said_all()

    def push(self, stream: Stream) -> None:
        """Send what windows and the socket allow of a stream, and then of the others if its turn is over."""
        if self._take_turn(stream):
            self.push_all()

    def push_all(self) -> None:
        """Let the waiting streams send in turns."""
        waiting = self._waiting
        while self.writable and self.state.outbound_flow_control_window > 0:
            if not [stream for stream in list(waiting) if stream in waiting and self._take_turn(stream)]:
                return

    def _take_turn(self, stream: Stream) -> bool:
        """Send what windows, socket and one turn allow. Tell whether the turn was what ended it."""
        state = self.state
        unsent = stream.unsent
        turn = TURN_BYTES
        while unsent and turn > 0 and self.writable:
            size = min(
                len(unsent), state.local_flow_control_window(stream.number), state.max_outbound_frame_size,
                _LONGEST_FRAME,
            )  # fmt: skip
            if size <= 0:
                break
            ended = stream.ending and size == len(unsent) and not stream.trailers
            state.send_data(stream.number, bytes(unsent[:size]), end_stream=ended)
            del unsent[:size]
            turn -= size
            self.frames.allow_updates(size)
            if ended:
                stream.said_all()
            self._ready_bytes += size
            if self._ready_bytes >= TURN_BYTES:
                self._write()
        if turn < TURN_BYTES:
            stream.moved()
        # At the end of the line, so that the others come first.
        self._waiting.pop(stream, None)
        if unsent:
            self._waiting[stream] = None
            return turn <= 0
        if stream.ending and not stream.ended:
            if stream.trailers:
                self.send_head(stream, stream.trailers, ended=True)
            else:
                state.end_stream(stream.number)
                stream.said_all()
        return False

    def reset(self, stream: Stream, code: ErrorCodes) -> None:
        """Give a stream up. Nothing more of it is sent or taken."""
        if not stream.closed:
            if not self.lost and not (stream.ended and stream.heard_all):
                self.state.reset_stream(stream.number, code)
            stream.over()
            self.flush()

    def forget(self, stream: Stream) -> None:
        """Let a stream go that is over."""
        self._waiting.pop(stream, None)
        self.streams.pop(stream.number, None)

    def acknowledge(self, stream: Stream, size: int) -> None:
        """Let the peer send so many bytes more."""
        if not self.lost:
            self.state.acknowledge_received_data(size, stream.number)
            self.flush()

    def flush(self) -> None:
        """Write what is ready, unless more becomes ready in a moment."""
        if not self._receiving:
            self._write()

    def _write(self) -> None:
        self._ready_bytes = 0
        data = self.state.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        if not self.lost:
            self.push_all()
            self.flush()

    # Ending

    def say_goodbye(self, last: int) -> None:
        """Send GOAWAY: streams up to `last` are finished, nothing new is taken.

        Past `h2`, for which it would be the last frame.
        """
        frame = GoAwayFrame(0)
        frame.last_stream_id = last
        self._write()
        if not self.transport.is_closing():
            self.transport.write(frame.serialize())

    def fail(self, code: ErrorCodes | int) -> None:
        """End the connection because the peer cannot be followed."""
        if self.lost:
            return
        with suppress(H2Error):  # it may have said so already
            self.state.close_connection(code)
        self._write()
        self.lose()
        self.transport.close()

    def lose(self) -> None:
        """End all streams: nothing can be sent any more."""
        self.lost = True
        self._waiting.clear()
        for stream in list(self.streams.values()):
            stream.over()
            stream.was_lost()
        self.streams.clear()
