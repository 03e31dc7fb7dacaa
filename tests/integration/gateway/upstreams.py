"""A gateway in this loop in front of any number of services, proxies and name servers of a test, all real sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import uvloop

from gateway_runtime.configuration.snapshot import Snapshot
from gateway_runtime.http.limits import Limits
from gateway_runtime.http.state import WorkerState
from gateway_runtime.listener import Listener, open_listener
from gateway_runtime.routing.compiled import compile_api
from gateway_runtime.routing.table import PortTable
from gateway_runtime.schema.document import ApiInstance, Document, Route, Service, Target
from gateway_runtime.tasks import cancel
from gateway_runtime.upstream.proxy import Proxy
from gateway_runtime.upstream.registry import PoolRegistry
from gateway_runtime.upstream.resolving import Lookup
from tests.certificates import Pair
from tests.gateway_runtime.fakes import Recorded, get
from tests.integration.gateway.traffic import Behaviour, Streams, answer_all, read_answer

LOOPS = {"uvloop": uvloop.run, "asyncio": asyncio.run}


@asynccontextmanager
async def serving(
    behave: Behaviour = answer_all, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Any:
    """Run a service and yield its port. At the end its connections are cut."""
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            await behave(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


def answering(text: str, status: int = 200) -> Behaviour:
    """Return a service that gives the same answer to everything."""
    answer = f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(answer)
            await writer.drain()

    return behave


def server_context(pair: Pair, client_ca: str = "") -> ssl.SSLContext:
    """Return the TLS of a service, which asks for a client certificate of an authority where one is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pair.pem"
        path.write_text(pair.certificate + pair.key)
        context.load_cert_chain(path)
    if client_ca:
        context.load_verify_locations(cadata=client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class Gateway:
    """One API at /api in front of the service that was served last."""

    def __init__(self, state: WorkerState, listener: Listener) -> None:
        self.state = state
        self.listener = listener
        self.recorded: Recorded = state.recorder  # type: ignore[assignment]

    def serve(self, ports: Sequence[int], *, host: str = "127.0.0.1", **settings: Any) -> None:
        """Serve targets, as a new revision does."""
        service = Service(id="s", name="orders", targets=[Target(host=host, port=port) for port in ports], **settings)
        self.pool = self.state.pools.get(service)
        route = Route(id="r", name="r", service="s")
        api = ApiInstance(id="a", name="a", listener="l", base_path="/api", services=[service], routes=[route])
        compiled = compile_api(api, None, {"s": self.pool})
        table = PortTable.build([compiled])
        self.state.snapshot = Snapshot(
            1, "d", {self.listener.port: table}, {"a": compiled}, Document(gateway="g", name="g")
        )
        self.state.pools.retain({self.pool})

    async def connect(self) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self.listener.port)

    async def ask(self, data: bytes | None = None) -> tuple[int, str]:
        """Send on a connection of its own and return status and body."""
        reader, writer = await self.connect()
        writer.write(data or get())
        answer = b""
        with suppress(asyncio.IncompleteReadError):
            async with asyncio.timeout(10):
                answer = await read_answer(reader)
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def states(self) -> list[str]:
        """Return what is thought of each target."""
        return [target.health.state if target.health else "" for target in self.pool.targets]


@asynccontextmanager
async def gateway(
    *,
    allow_private: bool = True,
    limits: Limits | None = None,
    lookup: Lookup | None = None,
    proxy: Proxy | None = None,
) -> AsyncIterator[Gateway]:
    """Run a gateway that serves nothing yet."""
    limits = limits or Limits()
    state = WorkerState(recorder=Recorded(), limits=limits, pools=PoolRegistry(limits, lookup=lookup))
    state.pools.allow_private = allow_private
    state.pools.proxy = proxy
    listener = await open_listener("127.0.0.1", 0, state)
    try:
        yield Gateway(state, listener)
    finally:
        await listener.drain(0.1)
        state.pools.retain(())
        await cancel(state.sweeper)
        await asyncio.sleep(0)


class NameServer(asyncio.DatagramProtocol):
    """A name server over UDP (RFC 1035) that answers A with what it is told, and says nothing while `silent`."""

    def __init__(self) -> None:
        self.addresses = ["127.0.0.1"]
        self.seconds = 60
        self.silent = False
        self.asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, source: Any) -> None:
        end = 12
        while data[end]:
            end += data[end] + 1
        question = data[12 : end + 5]
        (kind,) = struct.unpack("!H", question[-4:-2])
        if kind == 1:
            self.asked += 1
        if self.silent:
            return
        found = self.addresses if kind == 1 else []
        flags = 0x8183 if kind == 1 and not found else 0x8180
        head = data[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
        records = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, self.seconds, 4) + socket.inet_aton(address) for address in found
        )
        self._transport.sendto(head + question + records, source)


@asynccontextmanager
async def name_server() -> AsyncIterator[tuple[NameServer, str]]:
    """Run a name server and yield it with its address."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
    try:
        yield server, f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


@asynccontextmanager
async def several(many: int) -> AsyncIterator[list[int]]:
    """Run services that answer with their number."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serving(answering(str(number)))) for number in range(many)]
