"""One export over gRPC: a call with one message, on a connection of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from gateway_runtime.fetching.client import FetchError
from gateway_runtime.fetching.url import Url

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
READ_BYTES = 64 * 1024
OK = 0
# Of gRPC: cancelled, deadline exceeded, exhausted, aborted, out of range, unavailable, data loss. As OTLP says.
LATER = frozenset({1, 4, 8, 10, 11, 14, 15})


async def call(url: Url, message: bytes, headers: Iterable[tuple[str, str]], *, seconds: float) -> int:
    """Export and return the status of gRPC. Raises `FetchError`."""
    writer = None
    try:
        async with asyncio.timeout(seconds):
            context = ssl.create_default_context() if url.scheme == "https" else None
            if context is not None:
                context.set_alpn_protocols(["h2"])
            reader, writer = await asyncio.open_connection(url.host, url.port, ssl=context)
            return await _Call(url, message, headers).run(reader, writer)
    except TimeoutError:
        raise FetchError("timeout") from None
    except ssl.SSLError:
        raise FetchError("tls_failed") from None
    except OSError:
        raise FetchError("refused") from None
    except (ProtocolError, ValueError):
        raise FetchError("bad_answer") from None
    finally:
        if writer is not None:
            writer.transport.abort()


class _Call:
    """The one stream of a connection."""

    def __init__(self, url: Url, message: bytes, headers: Iterable[tuple[str, str]]) -> None:
        self._left = b"\0" + len(message).to_bytes(4, "big") + message
        self._connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._connection.initiate_connection()
        self._connection.send_headers(
            1,
            [
                (":method", "POST"),
                (":scheme", url.scheme),
                (":authority", url.authority),
                (":path", EXPORT),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
                ("user-agent", "portico-gateway"),
                *((name.lower(), value) for name, value in headers),
            ],
        )
        self._status = -1

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        """Speak until the stream has ended."""
        while True:
            self._send()
            writer.write(self._connection.data_to_send())
            data = await reader.read(READ_BYTES)
            if not data:
                raise FetchError("bad_answer")
            if self._ended(self._connection.receive_data(data)):
                return self._status

    def _send(self) -> None:
        """Send as much as the receiver takes now."""
        connection = self._connection
        while self._left and (room := connection.local_flow_control_window(1)) > 0:
            size = min(room, connection.max_outbound_frame_size)
            piece, self._left = self._left[:size], self._left[size:]
            connection.send_data(1, piece, end_stream=not self._left)

    def _ended(self, events: Iterable[Event]) -> bool:
        ended = False
        for event in events:
            if isinstance(event, ResponseReceived | TrailersReceived):
                for name, value in event.headers or ():
                    if name == "grpc-status":
                        self._status = int(value)
            elif isinstance(event, DataReceived) and event.flow_controlled_length:
                self._connection.acknowledge_received_data(event.flow_controlled_length, 1)
            elif isinstance(event, StreamReset | ConnectionTerminated):
                raise FetchError("bad_answer")
            elif isinstance(event, StreamEnded):
                ended = True
        return ended
