"""WebSockets through a real gateway process: the `websockets` library as client and as service."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from tests.certificates import Authority
from tests.integration.gateway.conftest import GatewayProcess
from tests.stack import free_ports

pytestmark = pytest.mark.integration

TUNNELS = 1000
LARGE = 8 * 1024 * 1024
Handler = Callable[[ServerConnection], Awaitable[None]]

FILES = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: chat}}
spec:
  address: {scheme}://127.0.0.1:{port}/chat
  services:
    rooms:
      address: http://127.0.0.1:{service}
      routes: [{{}}]
"""
TLS = """\
  policies:
    - policyRef: {name: tls}
      config: {certificate: {crt: $CHAT_CERTIFICATE, key: $CHAT_KEY}}
"""
AUTHORITY = Authority()
PAIR = AUTHORITY.issue("chat.example")


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


class Chat:
    """A gateway in front of a port that the test serves."""

    def __init__(self, gateway: GatewayProcess, config: Path, scheme: str, port: int, service: int) -> None:
        self.gateway = gateway
        self.config = config
        self.service = service
        self.url = f"{'wss' if scheme == 'https' else 'ws'}://127.0.0.1:{port}/chat/lobby"
        self.options: dict[str, Any] = {}
        if scheme == "https":
            self.options["ssl"] = ssl.create_default_context(cadata=AUTHORITY.pem)
            self.options["server_hostname"] = "chat.example"

    @asynccontextmanager
    async def serving(self, handler: Handler = echo, **options: Any) -> AsyncIterator[Any]:
        """Serve WebSockets behind the gateway."""
        options = {"max_size": None, **options}
        async with serve(handler, "127.0.0.1", self.service, **options) as server:
            yield server

    def connect(self, **options: Any) -> Any:
        """Open one through the gateway."""
        return connect(self.url, max_size=None, proxy=None, **self.options, **options)

    def memory_bytes(self) -> int:
        """Return how much memory the one worker holds."""
        (pid,) = self.gateway.worker_pids()
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def started(folder: Path, scheme: str) -> Chat:
    """Start a gateway with one API."""
    port, service = free_ports(2)
    config = folder / "chat.yaml"
    config.write_text(FILES.format(scheme=scheme, port=port, service=service) + (TLS if scheme == "https" else ""))
    variables = {"CHAT_CERTIFICATE": PAIR.certificate, "CHAT_KEY": PAIR.key}
    gateway = GatewayProcess(folder, config=config, workers=1, environment=variables).start()
    gateway.wait_for_revision(1)
    return Chat(gateway, config, scheme, port, service)


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Chat]:
    made = started(tmp_path, "http")
    yield made
    made.gateway.kill()


@pytest.fixture(params=["http", "https"])
def any_chat(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Chat]:
    made = started(tmp_path, request.param)
    yield made
    made.gateway.kill()


def run(scenario: Awaitable[None], seconds: float = 40) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await scenario

    asyncio.run(bounded())


@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_of_every_size_come_back(any_chat: Chat, compression: Any) -> None:
    async def scenario() -> None:
        async with (
            any_chat.serving(compression=compression),
            any_chat.connect(compression=compression, subprotocols=None) as client,
        ):
            for size in (0, 1, 125, 126, 65535, 65536, LARGE):
                message = os.urandom(size)
                await client.send(message)
                assert await client.recv() == message
            await client.send(["in ", "several ", "frames"])
            assert await client.recv() == "in several frames"
            await (await client.ping())

    run(scenario())


def test_a_subprotocol_is_agreed_through_the_gateway(chat: Chat) -> None:
    async def scenario() -> None:
        protocols: Any = ["chat.v2"]
        async with chat.serving(subprotocols=protocols), chat.connect(subprotocols=["chat.v1", "chat.v2"]) as client:
            assert client.subprotocol == "chat.v2"

    run(scenario())


def test_a_service_that_refuses_is_heard(chat: Chat) -> None:
    async def scenario() -> None:
        async with chat.serving(process_request=lambda connection, request: connection.respond(403, "no")):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await chat.connect()
            assert refused.value.response.status_code == 403

    run(scenario())


def test_a_close_is_passed_on_with_its_code(chat: Chat) -> None:
    async def scenario() -> None:
        seen: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

        async def listen(connection: ServerConnection) -> None:
            await connection.wait_closed()
            seen.set_result(connection.close_code)

        async with chat.serving(listen):
            client = await chat.connect()
            await client.close(4001, "done")
            assert client.close_code == 4001
            assert await seen == 4001

    run(scenario())


def test_a_slow_reader_stops_the_sender_and_costs_no_memory(any_chat: Chat) -> None:
    async def scenario() -> None:
        sent = 0

        async def flood(connection: ServerConnection) -> None:
            nonlocal sent
            with suppress(websockets.ConnectionClosed):
                for _ in range(400):
                    await connection.send(bytes(1 << 20))
                    sent += 1

        async with any_chat.serving(flood, compression=None, ping_interval=None):
            before = any_chat.memory_bytes()
            async with any_chat.connect(compression=None, max_queue=1, ping_interval=None, close_timeout=1) as client:
                await asyncio.sleep(1)
                stalled = sent
                await asyncio.sleep(1)
                assert sent == stalled < 100
                assert any_chat.memory_bytes() - before < 16 << 20
                for _ in range(50):
                    assert len(await client.recv()) == 1 << 20
                assert sent > stalled

    run(scenario())


def test_a_killed_client_is_noticed_by_the_service(any_chat: Chat) -> None:
    async def scenario() -> None:
        gone = asyncio.Event()

        async def listen(connection: ServerConnection) -> None:
            await connection.wait_closed()
            gone.set()

        async with any_chat.serving(listen):
            client = await any_chat.connect()
            client.transport.abort()
            async with asyncio.timeout(3):
                await gone.wait()

    run(scenario())


def test_a_killed_service_is_noticed_by_the_client(any_chat: Chat) -> None:
    async def scenario() -> None:
        async def die(connection: ServerConnection) -> None:
            await connection.recv()
            connection.transport.abort()

        async with any_chat.serving(die), any_chat.connect() as client:
            await client.send("now")
            async with asyncio.timeout(3):
                with pytest.raises(websockets.ConnectionClosedError):
                    await client.recv()

    run(scenario())


def test_draining_says_1001_to_both_sides(any_chat: Chat) -> None:
    async def scenario() -> None:
        codes: list[int | None] = []

        async def listen(connection: ServerConnection) -> None:
            async for message in connection:
                await connection.send(message)
            codes.append(connection.close_code)

        async with any_chat.serving(listen):
            clients: list[ClientConnection] = [await any_chat.connect() for _ in range(20)]
            for client in clients:
                await client.send("hello")
            for client in clients:
                assert await client.recv() == "hello"
            any_chat.gateway.terminate()
            async with asyncio.timeout(5):
                await asyncio.gather(*(client.wait_closed() for client in clients))
            assert [client.close_code for client in clients] == [1001] * 20
            assert await asyncio.to_thread(any_chat.gateway.wait) == 0
            assert codes == [1001] * 20

    run(scenario())


def test_a_thousand_tunnels_are_small(chat: Chat) -> None:
    async def scenario() -> None:
        async with chat.serving(compression=None, ping_interval=None):
            before = chat.memory_bytes()
            clients: list[ClientConnection] = []
            for _ in range(TUNNELS // 50):
                clients += await asyncio.gather(
                    *(chat.connect(compression=None, ping_interval=None) for _ in range(50))
                )
            for client in clients:
                await client.send("hello")
            for client in clients:
                assert await client.recv() == "hello"
            # Two connections each, and what the event loop holds for them.
            assert (chat.memory_bytes() - before) / TUNNELS < 24 * 1024
            for client in clients:
                client.transport.abort()

    run(scenario())


def test_a_listener_that_goes_away_says_1001(chat: Chat) -> None:
    async def scenario() -> None:
        async with chat.serving():
            client = await chat.connect()
            await client.send("hello")
            assert await client.recv() == "hello"
            (other,) = free_ports(1)
            chat.config.write_text(FILES.format(scheme="http", port=other, service=chat.service))
            async with asyncio.timeout(8):
                await client.wait_closed()
            assert client.close_code == 1001

    run(scenario())


def test_another_revision_leaves_tunnels_alone(chat: Chat) -> None:
    async def scenario() -> None:
        async with chat.serving(), chat.connect() as client:
            chat.config.write_text(chat.config.read_text() + "    other: {address: 'http://127.0.0.1:1'}\n")
            await asyncio.to_thread(chat.gateway.wait_for_revision, 2)
            await client.send("hello")
            assert await client.recv() == "hello"

    run(scenario())


def test_an_api_that_is_removed_ends_its_tunnels_with_1008(chat: Chat) -> None:
    async def scenario() -> None:
        text = chat.config.read_text()
        kept = text.replace("name: chat", "name: kept").replace("/chat", "/kept")
        chat.config.write_text(text + "---\n" + kept)
        await asyncio.to_thread(chat.gateway.wait_for_revision, 2)
        async with chat.serving(), chat.connect() as client:
            chat.config.write_text(kept)
            async with asyncio.timeout(8):
                await client.wait_closed()
            assert client.close_code == 1008

    run(scenario())
