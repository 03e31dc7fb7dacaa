"""The other sides of HTTP/2 without sockets: `h2` as a client of the gateway, and as a service behind it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.settings import SettingCodes, Settings

from gateway_runtime.http.state import WorkerState
from gateway_runtime.http2.caller import CallerConnection
from gateway_runtime.http2.pool import Http2Pool
from gateway_runtime.http2.service import ServiceConnection
from gateway_runtime.policies.chain import Binding
from gateway_runtime.schema.document import Service, Target
from tests.gateway_runtime.fakes import PORT, FakeGateway, FakeTransport

Fields = list[tuple[bytes, bytes]]

_CONFIG = {"header_encoding": None, "validate_outbound_headers": False, "normalize_outbound_headers": False}


def fields(path: bytes = b"/api/x", *more: tuple[bytes, bytes], method: bytes = b"GET") -> Fields:
    """Return the header list of a good request."""
    return [(b":method", method), (b":scheme", b"http"), (b":authority", b"shop.example"), (b":path", path), *more]


@dataclass
class Heard:
    """What one stream brought."""

    fields: Fields = field(default_factory=list)
    body: bytes = b""
    trailers: Fields = field(default_factory=list)
    interim: list[Fields] = field(default_factory=list)
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        """The status of an answer, 0 without one."""
        return int(dict(self.fields).get(b":status", 0))

    def header(self, name: bytes) -> bytes | None:
        """Return a header."""
        return dict(self.fields).get(name)


class Peer:
    """One end of a connection that `h2` speaks for."""

    def __init__(self, *, client: bool) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=client, **_CONFIG))  # type: ignore[arg-type]
        self.streams: dict[int, Heard] = {}
        self.goodbye: tuple[int, int] | None = None
        self.takes = True  # opens windows again for what has come

    def hear(self, data: bytes) -> None:
        """Take bytes."""
        for event in self.h2.receive_data(data):
            number: int = getattr(event, "stream_id", None) or 0
            heard = self.streams.setdefault(number, Heard())
            if isinstance(event, ResponseReceived | RequestReceived):
                heard.fields = [(bytes(n), bytes(v)) for n, v in event.headers or ()]
            elif isinstance(event, InformationalResponseReceived):
                heard.interim.append([(bytes(n), bytes(v)) for n, v in event.headers or ()])
            elif isinstance(event, TrailersReceived):
                heard.trailers = [(bytes(n), bytes(v)) for n, v in event.headers or ()]
            elif isinstance(event, DataReceived):
                heard.body += event.data or b""
                if self.takes and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, number)
            elif isinstance(event, StreamEnded):
                heard.ended = True
            elif isinstance(event, StreamReset):
                heard.reset = int(event.error_code or 0)
            elif isinstance(event, ConnectionTerminated):
                self.goodbye = (int(event.error_code or 0), event.last_stream_id or 0)


class Http2Client(Peer):
    """A client connection of the gateway."""

    def __init__(self, state: WorkerState, port: int = PORT) -> None:
        super().__init__(client=True)
        self.transport = FakeTransport()
        self.connection = CallerConnection(state, port)
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        """Exchange bytes until neither side has any."""
        while True:
            data = self.h2.data_to_send()
            if data and not self.transport.closed:
                self.connection.data_received(data)
            written = self.transport.take()
            if written:
                self.hear(written)
            if not data and not written:
                return

    def ask(self, head: Fields | None = None, body: bytes | None = None, *, ended: bool = True) -> int:
        """Send a request and return its stream. With `ended` nothing follows."""
        number = self.h2.get_next_available_stream_id()
        self.h2.send_headers(number, head or fields(), end_stream=ended and body is None)
        if body is not None:
            self.h2.send_data(number, body, end_stream=ended)
        self.flush()
        return number

    def heard(self, number: int) -> Heard:
        """Return what has come on a stream."""
        self.flush()
        return self.streams.setdefault(number, Heard())

    def send_raw(self, data: bytes) -> None:
        """Send bytes past `h2`."""
        self.connection.data_received(data)
        written = self.transport.take()
        if written:
            self.hear(written)


class Http2Service(Peer):
    """A connected service of a pool that speaks HTTP/2."""

    def __init__(self, pool: Http2Pool, *, streams: int = 100, known: bool = True) -> None:
        super().__init__(client=False)
        self.transport = FakeTransport()
        self.connection = ServiceConnection(pool.targets[0], 60_000, pool._clock)  # type: ignore[arg-type]
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]
        self.h2.local_settings = Settings(client=False, initial_values={SettingCodes.MAX_CONCURRENT_STREAMS: streams})
        self.h2.initiate_connection()
        self.flush()
        if known:
            pool.targets[0].connections.append(self.connection)  # type: ignore[attr-defined]

    def flush(self) -> None:
        """Exchange bytes until neither side has any."""
        while True:
            written = self.transport.take()
            if written:
                self.hear(written)
            data = self.h2.data_to_send()
            if data and not self.transport.closed:
                self.connection.data_received(data)
            if not data and not written:
                return

    def answer(
        self, number: int, *more: tuple[bytes, bytes], body: bytes = b"", trailers: Fields | None = None,
        status: bytes = b"200", ended: bool = True,
    ) -> None:  # fmt: skip
        """Answer on a stream."""
        self.flush()
        self.h2.send_headers(number, [(b":status", status), *more], end_stream=ended and not body and not trailers)
        if body:
            self.h2.send_data(number, body, end_stream=ended and not trailers)
        if trailers:
            self.h2.send_headers(number, trailers, end_stream=True)
        self.flush()

    @property
    def asked(self) -> list[int]:
        """The streams on which something was asked."""
        self.flush()
        return [number for number, heard in self.streams.items() if heard.fields]


class Http2Gateway(FakeGateway):
    """A gateway in front of a service of HTTP/2."""

    pool: Http2Pool  # type: ignore[assignment]

    def __init__(self, *bindings: Binding, **service: Any) -> None:
        targets = [Target(host="orders.internal", port=9000)]
        super().__init__(
            *bindings, service=Service(id="orders-v1", name="orders", targets=targets, protocol="http2", **service)
        )


async def settle() -> None:
    """Let tasks go on."""
    for _ in range(5):
        await asyncio.sleep(0)


def in_loop(test: Any) -> Any:
    """Run a test that needs a running loop."""
    return asyncio.run(test())
