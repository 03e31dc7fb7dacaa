"""One listener with TLS in this process: what takes a short clock, or more bytes than a buffer holds."""

import asyncio
import os
import ssl
from collections.abc import Callable
from contextlib import suppress

import pytest
import uvloop

from gateway_runtime import accepting as module
from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.http.state import WorkerState
from gateway_runtime.listener import Listener, open_listener
from gateway_runtime.schema import document as documents
from gateway_runtime.telemetry.recorder import Recorder
from tests.certificates import Authority

AUTHORITY = Authority()
PAIR = AUTHORITY.issue("shop.example")
SIZE = 8 * 1024 * 1024


async def opened(upstream: int, port: int = 0) -> tuple[Listener, WorkerState]:
    """Return a listener in front of a service."""
    tls = documents.Tls(certificates=[documents.Certificate(certificate=PAIR.certificate, key=PAIR.key)])
    state = WorkerState(recorder=Recorder())
    service = documents.Service(id="s", name="s", targets=[documents.Target(host="127.0.0.1", port=upstream)])
    route = documents.Route(id="r", name="r", service="s")
    api = documents.ApiInstance(id="a", name="a", listener="l", base_path="", services=[service], routes=[route])

    def document(port: int) -> bytes:
        listener = documents.Listener(id="l", name="l", port=port, tls=tls)
        return documents.encode(
            documents.Document(gateway="g", name="g", allow_private_targets=True, listeners=[listener], apis=[api])
        )

    compiler = Compiler(state.pools)
    first = compiler.compile(1, "d", document(1)).snapshot
    listening = await open_listener("127.0.0.1", 0, state, first.tls[1])
    state.snapshot = compiler.compile(2, "e", document(listening.port)).snapshot
    compiler.commit(state.snapshot)
    return listening, state


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with the body that came, while it comes."""
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"content-length: %d" % SIZE in head
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
    left = SIZE
    while left:
        data = await reader.read(65536)
        left -= len(data)
        writer.write(data)
        await writer.drain()


def client() -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=AUTHORITY.pem)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def test_bodies_of_any_size_pass_both_ways() -> None:
    sent = os.urandom(SIZE)

    async def scenario() -> bytes:
        service = await asyncio.start_server(echo, "127.0.0.1", 0)
        listening, _ = await opened(service.sockets[0].getsockname()[1])
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", listening.port, ssl=client(), server_hostname="shop.example"
        )
        head = b"POST /x HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % SIZE

        async def send() -> None:
            writer.write(head)
            for start in range(0, SIZE, 65536):
                writer.write(sent[start : start + 65536])
                await writer.drain()

        async with asyncio.timeout(30), asyncio.TaskGroup() as both:
            both.create_task(send())
            answer = both.create_task(reader.read(-1))
        listening.close()
        service.close()
        return answer.result()

    head, _, body = uvloop.run(scenario()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == sent


@pytest.mark.parametrize("politely", [True, False])
def test_a_caller_that_leaves_is_forgotten(politely: bool) -> None:
    async def scenario() -> WorkerState:
        listening, state = await opened(1)
        _, writer = await asyncio.open_connection(
            "127.0.0.1", listening.port, ssl=client(), server_hostname="shop.example"
        )
        await until(lambda: len(state.connections) == 1)
        if politely:
            writer.close()
        else:
            writer.transport.abort()
        await until(lambda: not state.connections)
        listening.close()
        return state

    assert uvloop.run(scenario()).handshakes == {"completed": 1}


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds, at most five seconds."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


def test_a_caller_that_never_shakes_hands_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.HANDSHAKE_SECONDS <= 10
    monkeypatch.setattr(module, "HANDSHAKE_SECONDS", 0.1)

    async def scenario() -> WorkerState:
        listening, state = await opened(1)
        reader, writer = await asyncio.open_connection("127.0.0.1", listening.port)
        writer.write(b"\x16\x03\x01")
        async with asyncio.timeout(5):
            with suppress(ConnectionResetError):
                assert await reader.read(1) == b""
        listening.close()
        return state

    assert uvloop.run(scenario()).handshakes == {"abandoned": 1}
