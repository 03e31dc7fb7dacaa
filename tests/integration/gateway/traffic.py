"""A listener in this process's loop, a service that records what it gets and can misbehave, and a raw client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from gateway_runtime.configuration.snapshot import Snapshot
from gateway_runtime.http.limits import Limits
from gateway_runtime.http.state import WorkerState
from gateway_runtime.listener import Listener, open_listener
from gateway_runtime.routing.compiled import compile_api
from gateway_runtime.routing.table import PortTable
from gateway_runtime.schema.document import ApiInstance, Document, Route, Service, Target
from gateway_runtime.tasks import cancel
from tests.gateway_runtime.fakes import Recorded

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request without a body with “hi”."""
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()


@dataclass
class RecordingService:
    """Real sockets. `received` is what came, by connection; `behave` is what it does with the next connections."""

    behave: Behaviour = answer_all
    port: int = 0
    received: list[bytearray] = field(default_factory=list)
    ended: list[asyncio.Event] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        record, ended = bytearray(), asyncio.Event()
        self.received.append(record)
        self.ended.append(ended)
        copy = reader.feed_data

        def feed(data: bytes) -> None:
            record.extend(data)
            copy(data)

        record.extend(reader._buffer)  # type: ignore[attr-defined]
        reader.feed_data = feed  # type: ignore[method-assign]
        try:
            await self.behave(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            ended.set()
            writer.close()


@dataclass
class Traffic:
    """Everything a test needs."""

    service: RecordingService
    listener: Listener
    state: WorkerState

    async def connect(self) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self.listener.port)

    async def ask(self, data: bytes) -> bytes:
        """Send on a connection of its own and return the answer."""
        reader, writer = await self.connect()
        writer.write(data)
        answer = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                answer = await read_answer(reader)
        writer.close()
        return answer


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """Read one answer that has a Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: "))
    return head + await reader.readexactly(length)


@asynccontextmanager
async def traffic(
    behave: Behaviour = answer_all, *, allow_private: bool = True, limits: Limits | None = None, **target: Any
) -> AsyncIterator[Traffic]:
    """Run a service and a gateway with one API at /api in front of it."""
    service = RecordingService(behave)
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    state = WorkerState(recorder=Recorded(), limits=limits or Limits())
    state.pools.allow_private = allow_private
    listener = await open_listener("127.0.0.1", 0, state)
    document = Service(
        id="s",
        name="s",
        scheme=target.get("scheme", "http"),
        targets=[Target(host=target.get("host", "127.0.0.1"), port=target.get("port", service.port))],
    )
    api = ApiInstance(
        id="a",
        name="a",
        listener="l",
        base_path="/api",
        services=[document],
        routes=[Route(id="r", name="r", service="s")],
    )
    compiled = compile_api(api, None, {"s": state.pools.get(document)})
    table = PortTable.build([compiled])
    state.snapshot = Snapshot(1, "d", {listener.port: table}, {"a": compiled}, Document(gateway="g", name="g"))
    try:
        yield Traffic(service, listener, state)
    finally:
        await listener.drain(0.1)
        state.pools.retain(())
        await cancel(state.sweeper)
        server.close()
        await asyncio.sleep(0)
