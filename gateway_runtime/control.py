"""What supervisor and workers say to each other: length-prefixed msgpack over a socket pair."""

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from gateway_runtime.schema.document import ApiInstance, Listener
from gateway_runtime.schema.replica import Notice
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.schema.telemetry import TrafficRow
from gateway_runtime.telemetry.span_data import SpanData

_LENGTH = struct.Struct(">I")
# A worker keeps its rows rather than pile up more than this towards a supervisor that does not read.
WRITE_BUFFER_LIMIT = 8 * 1024 * 1024


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of all messages; the class name is the tag."""


class Apply(Message, frozen=True):
    """Compile this document and serve it.

    `definitions` are the last good definitions of APIs that the document has in a form that could not be compiled: a
    worker that starts later than its siblings then serves the same as they do. `listeners` are those with TLS that have
    been good before, as they were then. `storage` is what the registration names: like the keys in a document it goes
    to a worker by the socket pair alone, never by a command line or an environment that others can read. `verify_key`
    is the public one that revisions are checked with; so are the tokens that ask for a trace. A candidate is tried out
    where it names `replica`, and never without `tries`.
    """

    revision: int
    digest: str
    document: bytes
    definitions: list[ApiInstance] = []
    listeners: list[Listener] = []
    storage: SharedStorage | None = None
    verify_key: str = ""
    replica: str = ""
    tries: bool = True


class Drain(Message, frozen=True):
    """Stop accepting, finish what is running within so many seconds, and exit.

    `gently` leaves idle connections open for one more request: their callers then never write into a closed one.
    """

    seconds: float
    gently: bool = False


class Steer(Message, frozen=True):
    """Send new connections to these of all sockets that share the ports, by their numbers. 0 of them means all."""

    first: int
    count: int


class Hello(Message, frozen=True):
    """The worker runs and waits for its first document."""

    worker_pid: int


class ApiFault(msgspec.Struct, frozen=True, kw_only=True):
    """One API that could not be compiled. `kept` tells that its last good form is served instead of 503.

    With `listener`, its id, it is that listener's TLS and no API; without `kept` it has the certificate all the same.
    With `candidate` it is what is tried out, and all others have what they had.
    """

    api: str
    name: str
    code: str
    path: str
    message: str
    kept: bool = False
    listener: str = ""
    candidate: bool = False


class Applied(Message, frozen=True):
    """The worker serves this revision, and to a share of its requests a candidate, where one is tried out here."""

    revision: int
    took_ms: float
    faults: list[ApiFault] = []
    candidate: int = 0
    candidate_share: float = 0.0


class Rejected(Message, frozen=True):
    """The worker goes on with what it served before."""

    revision: int
    code: str
    path: str
    message: str


class Load(msgspec.Struct, frozen=True, array_like=True):
    """How busy a worker is now. `lag_seconds` is the longest its event loop was late within the last half minute."""

    idle: int
    active: int
    lag_seconds: float


class StorageUse(msgspec.Struct, frozen=True, array_like=True):
    """How a worker gets on with the shared storage: the state of its breaker, and its calls since it started."""

    state: str
    limiters: int
    answered: int
    unknown: int


class TargetState(msgspec.Struct, frozen=True, array_like=True):
    """What a worker thinks of a target: `healthy`, `unhealthy` or `ejected`. `service` is its id, `name` its name."""

    service: str
    name: str
    target: str
    state: str


class Telemetry(Message, frozen=True):
    """What was counted since the last one. `served` and `dropped` are totals since the worker started.

    `handshakes` counts those of TLS by how they ended, `turned_away` connections that were not let in by the reason.
    `targets` and `notices` are None while nothing about them has changed. `storage` comes with `load`, where there is
    one. `access` counts the access lines written and dropped since the worker started, `log_dropped` lines of its own
    log that were dropped. `traces` are encoded; `traces_dropped` and `spans_dropped` count since the last one.
    """

    rows: list[TrafficRow]
    served: int
    dropped: int
    handshakes: dict[str, int] = {}
    turned_away: dict[str, int] = {}
    load: Load | None = None
    storage: StorageUse | None = None
    access: tuple[int, int] = (0, 0)
    log_dropped: int = 0
    targets: list[TargetState] | None = None
    notices: list[Notice] | None = None
    traces: list[bytes] = []
    traces_dropped: int = 0
    spans: list[list[SpanData]] = []
    spans_dropped: int = 0


ToWorker = Apply | Drain | Steer
FromWorker = Hello | Applied | Rejected | Telemetry


class Channel:
    """One end of the connection. `incoming` is the union of messages this end receives."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, incoming: Any) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = msgspec.msgpack.Decoder(incoming)
        self._encoder = msgspec.msgpack.Encoder()

    def send(self, message: msgspec.Struct) -> None:
        """Queue a message. Sending to an end that has gone does nothing: `messages` ends and tells so."""
        if self._writer.is_closing():
            return
        body = self._encoder.encode(message)
        self._writer.write(_LENGTH.pack(len(body)) + body)

    @property
    def crowded(self) -> bool:
        """Tell whether the other end has fallen behind reading."""
        return self._writer.transport.get_write_buffer_size() > WRITE_BUFFER_LIMIT

    async def messages(self) -> AsyncIterator[Any]:
        """Yield messages until the other end closes."""
        try:
            while True:
                (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
                yield self._decoder.decode(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    async def close(self) -> None:
        """Send what is queued and close."""
        try:
            async with asyncio.timeout(2):
                self._writer.close()
                await self._writer.wait_closed()
        except (TimeoutError, ConnectionError):
            self._writer.transport.abort()
