"""A gateway without sockets: bytes in, bytes out, and a clock that tests turn."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from gateway_runtime.configuration.snapshot import Snapshot
from gateway_runtime.http.limits import Limits
from gateway_runtime.http.protocol import ClientConnection
from gateway_runtime.http.state import WorkerState
from gateway_runtime.http.timeouts import sweep
from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.routing.compiled import compile_api
from gateway_runtime.routing.table import PortTable
from gateway_runtime.schema.document import ApiInstance, Document, Route, Service, Target
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.upstream.connection import UpstreamConnection
from gateway_runtime.upstream.pool import Pool

PORT = 8080
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class FakeClock:
    """Monotonic seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class FakeTransport:
    """Keeps what is written and remembers what was asked of it."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.writes = 0
        self.closed = False
        self.aborted = False
        self.eof = False
        self.reading = True
        self.protocol: Any = None

    def write(self, data: bytes) -> None:
        assert data, "an empty write does nothing but cost"
        self.writes += 1
        self.written += data

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def write_eof(self) -> None:
        self.eof = True

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def get_extra_info(self, name: str) -> Any:
        return ("203.0.113.9", 50000) if name == "peername" else None

    def take(self) -> bytes:
        """Return what was written since the last call."""
        data = bytes(self.written)
        self.written.clear()
        return data


@dataclass
class Recorded:
    """The rows a test's requests left."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def record(self, *values: Any) -> None:
        names = ("api", "route", "application", "status", "policy", "code", "bytes_in", "bytes_out", "latency_us")
        self.rows.append(dict(zip((*names, "upstream_us"), values, strict=True)))


class FakeClient:
    """A client connection fed with bytes."""

    def __init__(self, state: WorkerState, port: int = PORT) -> None:
        self.transport = FakeTransport()
        self.connection = ClientConnection(state, port)
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]

    def send(self, data: bytes, *, size: int = 0) -> None:
        """Deliver bytes, all at once or in pieces of `size`."""
        for start in range(0, len(data), size or len(data) or 1):
            self.speaker.data_received(data[start : start + (size or len(data))])

    def take(self) -> bytes:
        return self.transport.take()

    def take_problem(self) -> tuple[int, dict[str, Any], dict[bytes, bytes]]:
        """Return status, problem body and headers of the one answer that was written."""
        head, _, body = self.take().partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines)
        assert int(headers[b"content-length"]) == len(body)
        return int(first.split()[1]), json.loads(body), headers

    @property
    def hung_up(self) -> bool:
        """Whether the gateway takes no further request: closed, or closing while it reads the rest."""
        return self.transport.closed or self.transport.eof

    @property
    def speaker(self) -> Any:
        """What reads now: another one where the connection has gone over to HTTP/2."""
        return self.transport.protocol or self.connection

    def go(self) -> None:
        """Vanish."""
        self.speaker.connection_lost(None)


class FakeUpstream:
    """A connection of a pool, fed with the bytes that a service answers: an idle one, or one just made."""

    def __init__(self, pool: Pool, target: int = 0, *, idle: bool = True) -> None:
        self.transport = FakeTransport()
        self.connection = UpstreamConnection(pool.targets[target])
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]
        self.connection.used = idle
        if idle:
            self.connection.target.release(self.connection)

    def answer(self, data: bytes, *, size: int = 0) -> None:
        for start in range(0, len(data), size or len(data) or 1):
            if self.transport.aborted:
                return
            self.connection.data_received(data[start : start + (size or len(data))])

    def take(self) -> bytes:
        return self.transport.take()

    def go(self, error: Exception | None = None) -> None:
        if error is None:
            self.connection.eof_received()
        self.connection.connection_lost(error)


class FakeGateway:
    """One API at /api in front of one service, with a worker's state around it."""

    def __init__(
        self, *bindings: Binding, limits: Limits | None = None, service: Service | None = None, **api: Any
    ) -> None:
        self.clock = FakeClock()
        self.recorded = Recorded()
        self.state = WorkerState(recorder=self.recorded, clock=self.clock, limits=limits or Limits())
        service = service or Service(id="orders-v1", name="orders", targets=[Target(host="orders.internal", port=9000)])
        api.setdefault("routes", [Route(id="r1", name="all", service=service.id)])
        document = ApiInstance(
            id="a1", name="Orders", listener="l1", base_path=api.pop("base_path", "/api"), services=[service], **api
        )
        self.pool = self.state.pools.get(service)
        compiled = compile_api(document, Chain(bindings), {service.id: self.pool})
        self.state.snapshot = Snapshot(
            1, "d", {PORT: PortTable.build([compiled])}, {"a1": compiled}, Document(gateway="g", name="g")
        )

    def client(self, port: int = PORT) -> FakeClient:
        return FakeClient(self.state, port)

    def upstream(self, target: int = 0) -> FakeUpstream:
        return FakeUpstream(self.pool, target)

    def pass_time(self, seconds: float) -> None:
        """Let time pass and the coarse timer look."""
        self.clock.advance(seconds)
        sweep(self.state)


DENIED = Response(
    status=401, code="denied", title="No", detail="No.", policy="door", headers=((b"www-authenticate", b"X"),)
)


def refuse_all(context: RequestContext) -> Response:
    return DENIED


def denying(**handlers: object) -> FakeGateway:
    return FakeGateway(Binding("door", Handlers(request_headers=refuse_all, **handlers)))  # type: ignore[arg-type]


def get(path: str = "/api/x", *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    """Return a request head with a good Host."""
    head = [f"{method} {path} HTTP/{version}", "Host: shop.example", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1")
