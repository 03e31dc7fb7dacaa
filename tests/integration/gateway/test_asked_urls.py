"""What policies ask at URLs, such as an introspection endpoint, is asked on connections that are kept."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway_runtime.consumers.index import ApiConsumers, Directory
from gateway_runtime.fetching.client import FetchError
from gateway_runtime.fetching.service import AskedServices
from gateway_runtime.fetching.url import parse_url
from gateway_runtime.policies.registry import definition
from gateway_runtime.policies.runtime import BindingRuntime
from gateway_runtime.upstream.registry import PoolRegistry

pytestmark = pytest.mark.integration


class Asked:
    """A server that keeps connections, and what it was asked on each of them."""

    def __init__(self) -> None:
        self.connections: list[list[bytes]] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0
        self.pools = PoolRegistry()
        self.pools.allow_private = True
        self.runtime = BindingRuntime(
            api="a", binding="b", definition=definition("oauth2-token-introspection"),
            consumers=ApiConsumers(Directory(), ()), clock=lambda: 0.0, kept={}, services=AskedServices(self.pools),
        )  # fmt: skip

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads: list[bytes] = []
        self.connections.append(heads)
        self.writers.append(writer)
        try:
            while True:
                heads.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(3))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    async def ask(self, **more: Any) -> bytes:
        url = parse_url(f"http://127.0.0.1:{self.port}/introspect?a=b")
        question = {"seconds": 5.0, "method": "POST", "headers": (("x-a", "1"),), "body": b"t=1", **more}
        return (await self.runtime.ask(url, **question)).body


@asynccontextmanager
async def serving() -> AsyncIterator[Asked]:
    asked = Asked()
    server = await asyncio.start_server(asked.handle, "127.0.0.1", 0)
    asked.port = server.sockets[0].getsockname()[1]
    try:
        yield asked
    finally:
        server.close()
        asked.pools.retain(())


def play(scenario: Callable[[Asked], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with serving() as asked:
            await scenario(asked)

    asyncio.run(whole())


def test_questions_go_out_whole_and_one_after_the_other_on_one_connection() -> None:
    async def scenario(asked: Asked) -> None:
        assert [await asked.ask() for _ in range(3)] == [b"{}"] * 3
        [heads] = asked.connections
        assert len(heads) == 3
        first, *lines = heads[0].split(b"\r\n")
        assert first == b"POST /introspect?a=b HTTP/1.1"
        assert lines == [
            b"host: 127.0.0.1:%d" % asked.port, b"user-agent: portico-gateway", b"accept-encoding: identity",
            b"x-a: 1", b"content-length: 3", b"", b"t=1",
        ]  # fmt: skip

    play(scenario)


def test_a_connection_that_was_closed_meanwhile_is_replaced() -> None:
    async def scenario(asked: Asked) -> None:
        await asked.ask()
        asked.writers[0].transport.abort()
        assert await asked.ask() == b"{}"
        assert len(asked.connections) == 2

    play(scenario)


def test_a_new_revision_lets_go_of_connections_and_a_question_makes_another() -> None:
    async def scenario(asked: Asked) -> None:
        await asked.ask()
        asked.pools.retain(())
        assert len(asked.pools) == 0
        assert await asked.ask() == b"{}"
        assert len(asked.connections) == 2

    play(scenario)


def test_an_answer_that_is_too_large_is_none() -> None:
    async def scenario(asked: Asked) -> None:
        with pytest.raises(FetchError) as caught:
            await asked.ask(limit=1)
        assert caught.value.code == "bad_response"

    play(scenario)


def test_a_private_address_is_not_asked_where_that_is_not_allowed() -> None:
    async def scenario(asked: Asked) -> None:
        asked.pools.allow_private = False
        with pytest.raises(FetchError) as caught:
            await asked.ask()
        assert caught.value.code == "address_refused"
        assert not asked.connections

    play(scenario)
