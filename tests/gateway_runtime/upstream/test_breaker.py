"""What one service may have under way: more than that waits, or is refused at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway_runtime.schema.document import CircuitBreaker, Service, Target
from gateway_runtime.upstream import breaker
from gateway_runtime.upstream.pool import Pool
from tests.gateway_runtime.fakes import OK, FakeClient, FakeGateway, FakeUpstream, get


class Kit:
    """A gateway whose connections are made when they are asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **ceilings: int) -> None:
        service = Service(
            id="s",
            name="s",
            targets=[Target(host="10.0.0.1", port=9000)],
            circuit_breaker=CircuitBreaker(**ceilings),
        )
        self.gateway = FakeGateway(service=service)
        self.made: list[FakeUpstream] = []

        async def open(pool: Pool, target: Any) -> Any:
            await asyncio.sleep(0)
            made = FakeUpstream(pool, idle=False)
            self.made.append(made)
            return made.connection

        monkeypatch.setattr(Pool, "open", open)

    async def ask(self, times: int = 1) -> list[FakeClient]:
        clients = [self.gateway.client() for _ in range(times)]
        for client in clients:
            client.send(get())
        await settle()
        return clients


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def refused(clients: list[FakeClient]) -> int:
    """Return how many have been refused, and see that they have been told when to come again."""
    count = 0
    for client in clients:
        if client.transport.written:
            status, problem, headers = client.take_problem()
            assert (status, problem["code"], headers[b"retry-after"]) == (503, "upstream_circuit_open", b"1")
            count += 1
    return count


@pytest.mark.parametrize("at_once", [True, False])
def test_more_requests_than_may_be_are_refused_until_one_ends(monkeypatch: pytest.MonkeyPatch, at_once: bool) -> None:
    async def scenario() -> None:
        kit = Kit(monkeypatch, max_requests=2)
        clients = await kit.ask(4) if at_once else [client for _ in range(4) for client in await kit.ask()]
        assert refused(clients) == 2
        kit.made[0].answer(OK)
        assert refused(await kit.ask(2)) == 1
        for upstream in kit.made:
            upstream.answer(OK)
        assert refused(await kit.ask(2)) == 0

    run(scenario())


def test_a_request_waits_for_a_connection_and_gets_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        kit = Kit(monkeypatch, max_connections=1)
        first, second, third = await kit.ask(3)
        (upstream,) = kit.made
        for client in (first, second, third):
            assert upstream.take().startswith(b"GET ")
            upstream.answer(OK)
            await settle()
            assert client.take().endswith(b"hi")
        assert len(kit.made) == 1
        assert kit.gateway.pool.targets[0].receiver is None, "nobody waits, so nothing may stand in the way"

    run(scenario())


def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        kit = Kit(monkeypatch, max_connections=1, max_pending_requests=2)
        assert refused(await kit.ask(5)) == 2
        kit = Kit(monkeypatch, max_connections=1, max_pending_requests=0)
        clients = await kit.ask(3)
        assert refused(clients) == 2
        kit.made[0].answer(OK)
        assert refused(await kit.ask()) == 0

    run(scenario())


def test_who_waits_opens_a_connection_when_one_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        kit = Kit(monkeypatch, max_connections=1)
        first, second = await kit.ask(2)
        kit.made[0].answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        kit.made[0].go()
        await settle()
        assert first.take().endswith(b"hi")
        assert len(kit.made) == 2
        kit.made[1].answer(OK)
        assert second.take().endswith(b"hi")

    run(scenario())


def test_a_connection_that_nobody_told_of_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another revision may have taken the place of who is told."""
    monkeypatch.setattr(breaker, "_LOOK_SECONDS", 0.001)

    async def scenario() -> None:
        kit = Kit(monkeypatch, max_connections=1)
        _, second = await kit.ask(2)
        kit.gateway.pool.targets[0].receiver = None
        kit.made[0].answer(OK)
        await asyncio.sleep(0.02)
        await settle()
        kit.made[0].answer(OK)
        assert second.take().endswith(b"hi")

    run(scenario())


def test_a_failed_attempt_leaves_its_place_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        kit = Kit(monkeypatch, max_connections=1)

        async def fail(pool: Pool, target: Any) -> Any:
            raise breaker.UpstreamError(breaker.CIRCUIT_OPEN)

        working = Pool.open
        monkeypatch.setattr(Pool, "open", fail)
        assert refused(await kit.ask(3)) == 3
        monkeypatch.setattr(Pool, "open", working)
        (client,) = await kit.ask()
        kit.made[0].answer(OK)
        assert client.take().endswith(b"hi")

    run(scenario())


def test_a_client_that_waits_and_goes_does_not_keep_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        kit = Kit(monkeypatch, max_connections=1)
        _, second, third = await kit.ask(3)
        second.go()
        kit.made[0].answer(OK)
        await settle()
        kit.made[0].answer(OK)
        assert third.take().endswith(b"hi")

    run(scenario())


def test_a_connection_that_closes_while_it_is_handed_over_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        kit = Kit(monkeypatch, max_connections=1)
        first, second, third = await kit.ask(3)
        kit.made[0].answer(OK)
        # The one who waits has it already, and has not looked yet.
        kit.made[0].transport.closed = True
        kit.made[0].go()
        await settle()
        assert first.take().endswith(b"hi")
        assert not second.transport.written, "nothing was sent, so nothing has failed"
        # Its place had been given to the next one before.
        for client in (third, second):
            kit.made[1].answer(OK)
            await settle()
            assert client.take().endswith(b"hi")

    run(scenario())
