"""What is tried another time: only what may be, only so often, and never so much that it makes an outage worse."""

import asyncio
from typing import Any

import pytest

from gateway_runtime.schema.document import CircuitBreaker, Outliers, Retries, Service, Target
from gateway_runtime.upstream.pool import Pool
from gateway_runtime.upstream.watching import RetryBudget
from tests.gateway_runtime.fakes import OK, FakeClient, FakeClock, FakeGateway, FakeUpstream, get

BAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nbad"


class Kit:
    """A gateway in front of targets whose connections are made when they are asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, many: int = 2, **settings: Any) -> None:
        targets = [Target(host=f"10.0.0.{number}", port=9000) for number in range(many)]
        self.gateway = FakeGateway(service=Service(id="s", name="s", targets=targets, **settings))
        self.made: list[FakeUpstream] = []

        async def open(pool: Pool, target: Any) -> Any:
            made = FakeUpstream(pool, pool.targets.index(target), idle=False)
            self.made.append(made)
            return made.connection

        monkeypatch.setattr(Pool, "open", open)

    async def ask(self, request: bytes) -> FakeClient:
        client = self.gateway.client()
        client.send(request)
        await settle()
        return client

    async def answer(self, data: bytes | None) -> None:
        """Answer the newest request, or break its connection."""
        upstream = self.made[-1]
        assert upstream.take(), "nobody has asked"
        if data is None:
            upstream.go(ConnectionResetError())
        else:
            upstream.answer(data)
        await settle()

    def hosts(self) -> list[str]:
        return [upstream.connection.target.host for upstream in self.made]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def run(kit: Kit, request: bytes, *answers: bytes | None) -> bytes:
    """Return what the client gets when its request is answered like this."""

    async def scenario() -> bytes:
        client = await kit.ask(request)
        for answer in answers:
            await kit.answer(answer)
        return client.take()

    return asyncio.run(scenario())


def test_a_connection_that_breaks_is_tried_at_another_target(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, retries=Retries())
    assert run(kit, get(), None, OK).endswith(b"hi")
    assert len({*kit.hosts()}) == 2


def test_without_retries_the_client_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch)
    assert run(kit, get(), None).startswith(b"HTTP/1.1 502 ")
    assert len(kit.made) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_not_be_repeated_is_not(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    kit = Kit(monkeypatch, retries=Retries(statuses=(503,)))
    assert run(kit, get(method=method), None).startswith(b"HTTP/1.1 502 ")
    assert run(kit, get(method=method), BAD).startswith(b"HTTP/1.1 503 ")
    assert len(kit.made) == 2


def test_a_request_with_a_body_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, retries=Retries(statuses=(503,)))
    assert run(kit, get("/api/x", "Content-Length: 2", method="PUT") + b"ab", None).startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_an_answer_with_a_named_status_is_thrown_away(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    kit = Kit(monkeypatch, retries=Retries(statuses=(503,)))
    bad = BAD if method != "HEAD" else BAD[:-3]
    good = OK if method != "HEAD" else OK[:-2]
    answer = run(kit, get(method=method), bad, good)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert kit.gateway.recorded.rows[-1]["status"] == 200
    assert len(kit.gateway.recorded.rows) == 1, "a retry counts once"


def test_the_rest_of_a_thrown_away_answer_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, retries=Retries(statuses=(503,)))
    answer = run(kit, get(), BAD[:-2], OK)
    assert answer.endswith(b"hi")
    assert kit.made[0].transport.aborted
    assert kit.gateway.pool.active == 0


def test_the_last_attempt_is_what_the_client_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, retries=Retries(attempts=3, statuses=(503,)))
    answer = run(kit, get(), BAD, BAD, BAD)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert answer.endswith(b"bad")
    assert len(kit.made) == 3


def test_an_answer_that_has_begun_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        kit = Kit(monkeypatch, retries=Retries())
        client = await kit.ask(get())
        kit.made[-1].answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        kit.made[-1].go(ConnectionResetError())
        await settle()
        assert client.take().endswith(b"half")
        assert client.transport.aborted
        assert len(kit.made) == 1

    asyncio.run(scenario())


def test_an_answer_that_is_no_http_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, retries=Retries())
    assert b"upstream_bad_response" in run(kit, get(), b"NOT HTTP\r\n\r\n")


def test_retries_stop_when_the_budget_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, retries=Retries(attempts=2, budget_percent=0, budget_per_second=3))

    async def scenario() -> None:
        for _ in range(10):
            await kit.ask(get())
            asked = len(kit.made)
            await kit.answer(None)
            if len(kit.made) > asked:
                await kit.answer(None)

    asyncio.run(scenario())
    assert len(kit.made) == 13


def test_no_more_retries_at_once_than_the_breaker_lets(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, retries=Retries(), circuit_breaker=CircuitBreaker(max_retries=1))

    async def scenario() -> None:
        first, second = await kit.ask(get()), await kit.ask(get())
        one, two = kit.made
        one.go(ConnectionResetError())
        await settle()
        two.go(ConnectionResetError())
        await settle()
        assert second.take().startswith(b"HTTP/1.1 502 ")
        await kit.answer(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))
        assert first.take().endswith(b"hi")
        # The one is over, so there is room for another.
        await kit.ask(get())
        await kit.answer(None)
        assert len(kit.made) == 5

    asyncio.run(scenario())


def test_a_client_that_goes_while_a_retry_is_under_way_leaves_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, retries=Retries(), circuit_breaker=CircuitBreaker(max_retries=1))

    async def scenario() -> None:
        client = await kit.ask(get())
        await kit.answer(None)
        client.go()
        await settle()
        await kit.ask(get())
        await kit.answer(None)
        assert len(kit.made) == 4

    asyncio.run(scenario())


def test_answers_and_failures_count_against_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, outliers=Outliers(consecutive_failures=2))
    health = kit.gateway.pool.targets[0].health
    assert health is not None

    async def fail(data: bytes | None) -> None:
        kit.gateway.pool.targets[1].idle.clear()
        while not kit.made or kit.made[-1].connection.target.health is not health or not kit.made[-1].transport.written:
            await kit.ask(get())
        await kit.answer(data)

    async def scenario() -> None:
        await fail(None)
        assert health.failures == 1
        await fail(OK)
        assert health.failures == 0
        await fail(BAD)
        await fail(b"NOT HTTP\r\n\r\n")
        assert health.state == "ejected"

    asyncio.run(scenario())


def test_an_answer_that_does_not_come_counts_against_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, outliers=Outliers(consecutive_failures=1))

    async def scenario() -> None:
        client = await kit.ask(get())
        slow = kit.made[-1].connection.target
        kit.gateway.pass_time(16)
        assert client.take().startswith(b"HTTP/1.1 504 ")
        assert slow.health is not None
        assert slow.health.state == "ejected"

    asyncio.run(scenario())


def test_a_kept_connection_that_was_closed_counts_against_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, many=1, outliers=Outliers(consecutive_failures=1))

    async def scenario() -> None:
        stale = kit.gateway.upstream()
        client = await kit.ask(get())
        stale.go(ConnectionResetError())
        await settle()
        health = kit.gateway.pool.targets[0].health
        assert health is not None
        assert health.failures == 0
        await kit.answer(OK)
        assert client.take().endswith(b"hi")

    asyncio.run(scenario())


def test_a_kept_connection_is_not_replaced_where_retries_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit(monkeypatch, many=1, retries=Retries(enabled=False))

    async def scenario() -> None:
        stale = kit.gateway.upstream()
        client = await kit.ask(get())
        stale.go(ConnectionResetError())
        await settle()
        assert client.take().startswith(b"HTTP/1.1 502 ")
        assert not kit.made

    asyncio.run(scenario())


# The budget


def test_a_budget_is_a_share_of_the_requests() -> None:
    budget = RetryBudget(Retries(budget_percent=25, budget_per_second=0), FakeClock())
    assert not budget.take()
    for _ in range(40):
        budget.count_request()
    assert [budget.take() for _ in range(12)].count(True) == 10


def test_a_budget_fills_with_time_up_to_what_may_be_saved() -> None:
    clock = FakeClock()
    budget = RetryBudget(Retries(budget_percent=0, budget_per_second=2), clock)
    assert [budget.take() for _ in range(5)].count(True) == 2
    clock.advance(1.5)
    assert [budget.take() for _ in range(5)].count(True) == 3
    clock.advance(1_000_000)
    assert [budget.take() for _ in range(1000)].count(True) == 100
