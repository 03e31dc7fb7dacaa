"""Real sockets behind a load balancer: PROXY headers before HTTP and before TLS, trusted proxies, connection caps."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import uvloop

from gateway_runtime import accepting
from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.http.limits import Limits
from gateway_runtime.http.origin import TrustedProxies
from gateway_runtime.http.state import WorkerState
from gateway_runtime.listener import Listener, open_listener
from gateway_runtime.schema import document as documents
from gateway_runtime.tasks import cancel
from tests.certificates import Authority
from tests.gateway_runtime.fakes import Recorded
from tests.integration.gateway.conftest import GatewayProcess, call
from tests.integration.gateway.traffic import read_answer
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

AUTHORITY = Authority()
PAIR = AUTHORITY.issue("shop.example")
V1 = b"PROXY TCP4 198.51.100.7 192.0.2.1 51000 443\r\n"
V2 = (
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11"
    + struct.pack(">H", 17)
    + bytes([198, 51, 100, 7, 192, 0, 2, 1])
    + b"\xc7\x38\x01\xbb"
)
V2 += b"\x04\x00\x02xy"
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"
REQUEST = b"GET /who HTTP/1.1\r\nHost: shop.example\r\n\r\n"


@dataclass
class Edge:
    """A listener, and a service that answers with the head it got."""

    listener: Listener
    state: WorkerState

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.listener.port)

    async def ask(self, *pieces: bytes) -> bytes:
        """Send pieces one after the other; return what the service got, empty where the connection was closed."""
        reader, writer = await self.connect()
        try:
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.02)
            return await read_answer(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        finally:
            writer.close()


async def show(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request with its head."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(head), head))
    writer.close()


@asynccontextmanager
async def edge(
    *, secure: bool = False, proxied: bool = True, limits: Limits | None = None, trusted: str = ""
) -> AsyncIterator[Edge]:
    """Run a gateway with one API at the root."""
    server = await asyncio.start_server(show, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    state = WorkerState(recorder=Recorded(), limits=limits or Limits())
    state.proxies = TrustedProxies([trusted]) if trusted else None
    certificate = documents.Certificate(certificate=PAIR.certificate, key=PAIR.key)
    tls = documents.Tls(certificates=[certificate]) if secure else None
    service = documents.Service(id="s", name="s", targets=[documents.Target(host="127.0.0.1", port=port)])
    route = documents.Route(id="r", name="r", service="s")
    api = documents.ApiInstance(id="a", name="a", listener="l", base_path="", services=[service], routes=[route])
    compiler = Compiler(state.pools)

    def compiled(port: int) -> documents.Document:
        return documents.Document(
            gateway="g", name="g", allow_private_targets=True, apis=[api],
            listeners=[documents.Listener(id="l", name="l", port=port, tls=tls)],
        )  # fmt: skip

    first = compiler.compile(1, "d", documents.encode(compiled(1))).snapshot
    listener = await open_listener("127.0.0.1", 0, state, first.tls.get(1), proxied=proxied)
    state.snapshot = compiler.compile(2, "e", documents.encode(compiled(listener.port))).snapshot
    compiler.commit(state.snapshot)
    try:
        yield Edge(listener, state)
    finally:
        await listener.drain(0.1)
        state.pools.retain(())
        await cancel(state.sweeper)
        server.close()


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[None]], None]:
    def run_it(scenario: Awaitable[None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(20):
                await scenario

        (uvloop.run if request.param == "uvloop" else asyncio.run)(bounded())

    return run_it


Run = Callable[[Awaitable[None]], None]


@pytest.mark.parametrize("header", [V1, V2])
def test_the_source_of_a_proxy_header_is_the_caller(run: Run, header: bytes) -> None:
    async def scenario() -> None:
        async with edge() as gateway:
            single = [header[index : index + 1] for index in range(len(header))]
            cut = [header[:10], header[10:] + REQUEST[:5], REQUEST[5:]]
            for pieces in ([header + REQUEST], [header, REQUEST], [*single, REQUEST], cut):
                assert b"\r\nx-forwarded-for: 198.51.100.7\r\n" in await gateway.ask(*pieces)

    run(scenario())


def test_a_balancer_that_speaks_for_itself_is_the_caller(run: Run) -> None:
    async def scenario() -> None:
        async with edge() as gateway:
            for header in (LOCAL, b"PROXY UNKNOWN\r\n"):
                assert b"\r\nx-forwarded-for: 127.0.0.1\r\n" in await gateway.ask(header + REQUEST)

    run(scenario())


def test_without_a_proxy_header_nobody_is_served(run: Run) -> None:
    async def scenario() -> None:
        async with edge() as gateway:
            for data in (
                REQUEST,
                b"\x16\x03\x01\x02\x00" * 10,
                V1.lower() + REQUEST,
                V1 + V1 + REQUEST,
                b"PROXY TCP4\r\n",
            ):
                answer = await gateway.ask(data)
                assert not answer or answer.startswith(b"HTTP/1.1 400 "), data
            assert gateway.state.turned_away["proxy_header"] == 4
            assert gateway.state.open == 0

    run(scenario())


def test_a_proxy_header_that_nobody_asked_for_is_no_request(run: Run) -> None:
    async def scenario() -> None:
        async with edge(proxied=False) as gateway:
            assert (await gateway.ask(V1 + REQUEST)).startswith(b"HTTP/1.1 400 ")
            assert (await gateway.ask(V2 + REQUEST)).startswith(b"HTTP/1.1 400 ")

    run(scenario())


def test_a_proxy_header_has_to_come_soon(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "PROXY_HEADER_SECONDS", 0.2)

    async def scenario() -> None:
        async with edge() as gateway:
            for data in (b"", V1[:10], V2[:14]):
                reader, writer = await gateway.connect()
                writer.write(data)
                with suppress(ConnectionError):
                    assert await reader.read() == b""
                writer.close()
            assert gateway.state.open == 0

    run(scenario())


@pytest.mark.parametrize("header", [V1, V2, LOCAL])
@pytest.mark.parametrize("together", [True, False])
def test_a_proxy_header_comes_before_the_handshake(run: Run, header: bytes, together: bool) -> None:
    async def scenario() -> None:
        async with edge(secure=True) as gateway:
            reader, writer = await gateway.connect()
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            context = ssl.create_default_context(cadata=AUTHORITY.pem)
            tls = context.wrap_bio(incoming, outgoing, server_hostname="shop.example")
            first = header
            if not together:
                writer.write(first)
                await asyncio.sleep(0.02)
                first = b""

            async def until(step: Callable[[], object]) -> object:
                nonlocal first
                while True:
                    try:
                        return step()
                    except ssl.SSLWantReadError:
                        writer.write(first + outgoing.read())
                        first = b""
                        incoming.write(await reader.read(65536))

            await until(tls.do_handshake)
            tls.write(REQUEST)
            writer.write(outgoing.read())
            answer = await until(lambda: tls.read(65536))
            source = b"127.0.0.1" if header is LOCAL else b"198.51.100.7"
            assert b"\r\nx-forwarded-for: " + source + b"\r\nx-forwarded-proto: https\r\n" in answer
            writer.close()

    run(scenario())


def test_a_trusted_balancer_may_use_both(run: Run) -> None:
    """The PROXY header names a trusted proxy, which names the client."""

    async def scenario() -> None:
        async with edge(trusted="198.51.100.0/24") as gateway:
            asked = REQUEST[:-2] + b"X-Forwarded-For: evil, 203.0.113.5\r\nX-Forwarded-Proto: https\r\n\r\n"
            answer = await gateway.ask(V1 + asked)
            assert b"\r\nx-forwarded-for: 203.0.113.5, 198.51.100.7\r\nx-forwarded-proto: https\r\n" in answer
            other = await gateway.ask(V1.replace(b"198.51.100.7", b"192.0.2.77") + asked)
            assert b"\r\nx-forwarded-for: 192.0.2.77\r\nx-forwarded-proto: http\r\n" in other

    run(scenario())


def test_the_caller_of_a_proxy_header_is_the_one_that_is_counted(run: Run) -> None:
    async def scenario() -> None:
        async with edge(limits=Limits(connections_per_address=1)) as gateway:
            reader, writer = await gateway.connect()
            writer.write(V1 + REQUEST)
            assert await read_answer(reader)
            assert gateway.state.addresses == {"198.51.100.7": 1}
            assert await gateway.ask(V1 + REQUEST) == b""
            assert await gateway.ask(V1.replace(b".7 ", b".8 ") + REQUEST)
            writer.close()
            await asyncio.sleep(0.05)
            assert await gateway.ask(V1 + REQUEST)

    run(scenario())


def test_a_connection_too_many_costs_no_handshake(run: Run) -> None:
    async def scenario() -> None:
        async with edge(secure=True, proxied=False, limits=Limits(connections=1)) as gateway:
            context = ssl.create_default_context(cadata=AUTHORITY.pem)

            async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
                return await asyncio.open_connection(
                    "127.0.0.1", gateway.listener.port, ssl=context, server_hostname="shop.example"
                )

            reader, writer = await connect()
            writer.write(REQUEST)
            assert await read_answer(reader)
            done = gateway.state.handshakes.total()
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await connect()
            assert gateway.state.handshakes.total() == done == 1
            gateway.state.limits = replace(gateway.state.limits, connections=2)
            await connect()

    run(scenario())


def test_a_handshake_that_fails_is_given_back(run: Run) -> None:
    async def scenario() -> None:
        async with edge(secure=True) as gateway:
            assert await gateway.ask(V1 + b"no TLS at all, and long enough to say so") == b""
            for _ in range(50):
                if not gateway.state.open:
                    break
                await asyncio.sleep(0.02)
            assert (gateway.state.open, gateway.state.addresses) == (0, {})

    run(scenario())


FILES = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: shop}}
spec:
  address: http://127.0.0.1:{port}/{name}
  services: {{all: {{address: "http://127.0.0.1:{service}"}}}}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: Configuration
metadata: {{name: settings}}
spec:
  trustedProxies: {{networks: [{trusted}]}}
  limits: {{connectionsPerAddress: 5}}
"""


def gateway_of_files(folder: Path, name: str, port: int, service: int, trusted: str = "127.0.0.1") -> GatewayProcess:
    folder.mkdir()
    config = folder / "shop.yaml"
    config.write_text(FILES.format(name=name, port=port, service=service, trusted=trusted))
    gateway = GatewayProcess(folder, config=config, workers=1).start()
    gateway.wait_for_revision(1)
    return gateway


def test_two_gateways_in_a_row_are_fine_and_a_loop_is_not(tmp_path: Path, backend: int) -> None:
    first, second, loop = free_ports(3)
    started = []
    try:
        started.append(gateway_of_files(tmp_path / "a", "one", first, second))
        started.append(gateway_of_files(tmp_path / "b", "", second, backend))
        started.append(gateway_of_files(tmp_path / "c", "", loop, loop))
        answer = call(first, "/one/x", {"x-forwarded-for": "203.0.113.5"})
        assert answer.status == 200
        assert b'"x-forwarded-for": "203.0.113.5, 127.0.0.1, 127.0.0.1"' in answer.body
        answer = call(loop, "/x")
        assert (answer.status, b'"code":"loop_detected"' in answer.body) == (508, True)
    finally:
        for gateway in started:
            gateway.kill()


def test_connections_that_are_turned_away_are_counted(tmp_path: Path, backend: int) -> None:
    (port,) = free_ports(1)
    gateway = gateway_of_files(tmp_path / "a", "shop", port, backend, trusted="192.0.2.0/24")

    async def crowd() -> None:
        writers = []
        for _ in range(8):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writers.append(writer)
        await asyncio.sleep(0.3)
        for writer in writers:
            writer.close()

    try:
        asyncio.run(crowd())
        line = b'portico_connections_refused_total{reason="connections_per_address"} 3.0'
        wait_until(lambda: line in gateway.page("/metrics").body, seconds=5, what="three refused connections")
        assert call(port, "/shop/x").status == 200
    finally:
        gateway.kill()
