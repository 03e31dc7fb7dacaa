"""The traffic path over real sockets: pooling, retries, failures, streaming, draining."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
import uvloop

from gateway_runtime.http.limits import Limits
from tests.gateway_runtime.fakes import get
from tests.integration.gateway.traffic import Traffic, answer_all, read_answer, traffic

pytestmark = pytest.mark.integration

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Run a coroutine on the loop of production, and on the plain one, which calls back in another order."""

    def run_it(coroutine: Coroutine[Any, Any, None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(20):
                await coroutine

        (uvloop.run if request.param == "uvloop" else asyncio.run)(bounded())

    return run_it


def test_requests_share_one_upstream_connection(run: Any) -> None:
    async def scenario() -> None:
        async with traffic() as gateway:
            reader, writer = await gateway.connect()
            for number in range(3):
                writer.write(get(f"/api/{number}"))
                assert (await read_answer(reader)).endswith(b"\r\n\r\nhi")
            assert (await gateway.ask(get("/api/other"))).endswith(b"hi")
            assert len(gateway.service.received) == 1
            assert gateway.service.received[0].count(b"GET /") == 4
            writer.close()

    run(scenario())


def test_a_stale_connection_is_replaced_without_the_client_noticing(run: Any) -> None:
    async def once(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")  # the second request is met by a close

    async def scenario() -> None:
        async with traffic(once) as gateway:
            assert (await gateway.ask(get("/api/1"))).endswith(b"hi")
            assert (await gateway.ask(get("/api/2"))).endswith(b"hi")
            assert len(gateway.service.received) == 2
            assert b"GET /2 " in gateway.service.received[0]
            assert b"GET /2 " in gateway.service.received[1]

    run(scenario())


def test_a_post_is_not_sent_twice(run: Any) -> None:
    async def once(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await reader.readuntil(b"\r\n\r\n")

    async def scenario() -> None:
        async with traffic(once) as gateway:
            await gateway.ask(get("/api/1"))
            answer = await gateway.ask(get("/api/2", "Content-Length: 0", method="POST"))
            assert answer.startswith(b"HTTP/1.1 502 ")
            assert b'"code":"upstream_reset"' in answer
            assert len(gateway.service.received) == 1

    run(scenario())


def test_a_service_that_never_answers_twice_is_502_after_one_repetition(run: Any) -> None:
    first = True

    async def behave(reader: Reader, writer: Writer) -> None:
        nonlocal first
        await reader.readuntil(b"\r\n\r\n")
        if first:
            first = False
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            await reader.readuntil(b"\r\n\r\n")

    async def scenario() -> None:
        async with traffic(behave) as gateway:
            await gateway.ask(get("/api/1"))
            assert (await gateway.ask(get("/api/2"))).startswith(b"HTTP/1.1 502 ")
            assert len(gateway.service.received) == 2

    run(scenario())


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ({"port": closed_port()}, 502, "upstream_refused"),
        ({"allow_private": False}, 502, "upstream_address_refused"),
        ({"allow_private": False, "host": "localhost"}, 502, "upstream_address_refused"),
        ({"host": "does-not-exist.invalid"}, 502, "upstream_unresolved"),
        ({"scheme": "https"}, 502, "upstream_tls_failed"),
    ],
)
def test_a_service_that_cannot_be_reached(run: Any, target: dict[str, Any], status: int, code: str) -> None:
    async def no_tls(reader: Reader, writer: Writer) -> None:
        await reader.read(10)
        writer.write(b"no TLS here, sorry\r\n" * 3)
        await writer.drain()

    async def scenario() -> None:
        async with traffic(no_tls, **target) as gateway:
            answer = await gateway.ask(get())
            assert answer.startswith(b"HTTP/1.1 %d " % status)
            assert f'"code":"{code}"'.encode() in answer

    run(scenario())


def test_a_slow_service_is_504(run: Any) -> None:
    async def silent(reader: Reader, writer: Writer) -> None:
        await reader.read()

    async def scenario() -> None:
        async with traffic(silent, limits=Limits(response_seconds=0.2)) as gateway:
            answer = await gateway.ask(get())
            assert answer.startswith(b"HTTP/1.1 504 ")
            await gateway.service.ended[0].wait()

    run(scenario())


def test_a_client_that_leaves_ends_the_request_upstream(run: Any) -> None:
    asked = asyncio.Event()

    async def silent(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    async def scenario() -> None:
        async with traffic(silent) as gateway:
            _, writer = await gateway.connect()
            writer.write(get())
            await asked.wait()
            writer.close()
            await gateway.service.ended[0].wait()

    run(scenario())


async def echo(reader: Reader, writer: Writer) -> None:
    """Send a body of known length back."""
    head = await reader.readuntil(b"\r\n\r\n")
    left = next(int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: "))
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
    while left:
        data = await reader.read(65536)
        left -= len(data)
        writer.write(data)
        await writer.drain()


def test_a_large_body_streams_both_ways(run: Any) -> None:
    size = 20_000_000
    block = bytes(range(256)) * 256

    async def scenario() -> None:
        async with traffic(echo) as gateway:
            reader, writer = await gateway.connect()
            writer.write(get("/api/x", f"Content-Length: {size}", method="PUT"))

            async def send() -> None:
                left = size
                while left:
                    writer.write(block[:left])
                    left -= len(block[:left])
                    await writer.drain()

            sending = asyncio.gather(send())
            await reader.readuntil(b"\r\n\r\n")
            received = 0
            while received < size:
                data = await reader.read(65536)
                assert data[0] == received % 256
                received += len(data)
            await sending
            writer.close()

    run(scenario())


def test_a_client_that_does_not_read_stops_the_service(run: Any) -> None:
    sent = 0

    async def pour(reader: Reader, writer: Writer) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536
            await writer.drain()

    async def scenario() -> None:
        async with traffic(pour) as gateway:
            client = socket.create_connection(("127.0.0.1", gateway.listener.port))
            client.sendall(get())
            before = -1
            while sent != before:  # until a quarter of a second brings nothing more
                before = sent
                await asyncio.sleep(0.25)
            connection = next(iter(gateway.state.connections))
            assert connection.transport.get_write_buffer_size() < 1_000_000
            assert 0 < sent < 40_000_000
            client.close()
            await gateway.service.ended[0].wait()

    run(scenario())


def test_a_refusal_reaches_a_client_that_is_still_sending(run: Any) -> None:
    async def scenario() -> None:
        async with traffic() as gateway:
            reader, writer = await gateway.connect()
            writer.write(get("/nope", "Content-Length: 100000000", method="POST"))
            with suppress(ConnectionError):
                for _ in range(10):
                    writer.write(b"x" * 5000)
                    await writer.drain()
            assert (await read_answer(reader)).startswith(b"HTTP/1.1 404 ")
            assert await reader.read() == b""

    run(scenario())


def test_draining_finishes_what_is_under_way_and_accepts_no_more(run: Any) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await go_on.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    async def scenario() -> None:
        async with traffic(wait) as gateway:
            idle_reader, idle = await gateway.connect()
            reader, writer = await gateway.connect()
            writer.write(get())
            await asked.wait()
            gateway.state.draining = True
            drained = asyncio.gather(gateway.listener.drain(5))
            assert await idle_reader.read() == b""
            with pytest.raises(OSError):  # noqa: PT011 (which one depends on the kernel)
                await gateway.connect()
            go_on.set()
            answer = await read_answer(reader)
            assert b"\r\nconnection: close\r\n" in answer
            assert await reader.read() == b""
            await drained
            idle.close()
            writer.close()

    run(scenario())


def test_a_request_keeps_the_snapshot_it_began_with(run: Any) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await go_on.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    async def scenario() -> None:
        async with traffic(wait) as gateway:
            reader, writer = await gateway.connect()
            writer.write(get())
            await asked.wait()
            gateway.state.snapshot = None
            gateway.state.pools.retain(())
            go_on.set()
            assert (await read_answer(reader)).endswith(b"hi")
            writer.write(get())
            assert (await read_answer(reader)).startswith(b"HTTP/1.1 503 ")
            writer.close()

    run(scenario())


def test_many_clients_at_once_each_get_their_own_answer(run: Any) -> None:
    async def name(reader: Reader, writer: Writer) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            path = head.split(b" ", 2)[1]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

    async def client(gateway: Traffic, number: int) -> None:
        reader, writer = await gateway.connect()
        for turn in range(20):
            writer.write(get(f"/api/{number}/{turn}"))
            assert (await read_answer(reader)).endswith(f"\r\n\r\n/{number}/{turn}".encode())
        writer.close()

    async def scenario() -> None:
        async with traffic(name) as gateway:
            await asyncio.gather(*(client(gateway, number) for number in range(25)))
            assert len(gateway.service.received) <= 25

    run(scenario())


def test_two_listeners_share_a_port(run: Any) -> None:
    from gateway_runtime.listener import open_listener

    async def scenario() -> None:
        async with traffic(answer_all) as gateway:
            second = await open_listener("127.0.0.1", gateway.listener.port, gateway.state)
            assert (await gateway.ask(get())).endswith(b"hi")
            second.close()

    run(scenario())
