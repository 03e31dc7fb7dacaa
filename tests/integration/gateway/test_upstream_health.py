"""Targets that fail and come back, over real sockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway_runtime.http.limits import Limits
from gateway_runtime.schema.document import Balance, CircuitBreaker, HealthCheck, Outliers, Retries, ServiceTimeouts
from tests.gateway_runtime.fakes import get
from tests.integration.gateway.upstreams import LOOPS, Gateway, answering, gateway, serving, several

pytestmark = pytest.mark.integration

CHECK = HealthCheck(path="/healthz?a=b", interval_seconds=0.1, timeout_seconds=0.3, unhealthy_after=2, healthy_after=2)


@pytest.fixture(params=[*LOOPS])
def run(request: pytest.FixtureRequest) -> Any:
    return LOOPS[request.param]


async def until(made: Gateway, *states: str) -> None:
    """Wait until this is thought of the targets."""
    async with asyncio.timeout(5):
        while made.states() != [*states]:
            await asyncio.sleep(0.02)


async def asked(made: Gateway, times: int = 20) -> Counter[str]:
    return Counter([(await made.ask())[1] for _ in range(times)])


def test_checks_take_a_target_out_and_back(run: Any) -> None:
    heads: list[bytes] = []
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    async def sick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()

    async def scenario() -> None:
        nonlocal answer
        async with serving(sick) as port, serving(answering("well")) as other, gateway() as made:
            made.serve([port, other], health_check=CHECK)
            await asyncio.sleep(1.2)
            assert made.states() == ["healthy", "healthy"]
            answer = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
            await until(made, "unhealthy", "healthy")
            assert heads[0].startswith(b"GET /healthz?a=b HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n" % port)
            assert b"portico-health-check" in heads[0]
            assert await asked(made) == {"well": 20}
            answer = b"HTTP/1.1 204 No Content\r\n\r\n"
            await until(made, "healthy", "healthy")
            assert made.pool.active == 0

    run(scenario())


def test_a_target_that_does_not_answer_checks_is_unhealthy(run: Any) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def scenario() -> None:
        async with serving(silent) as port, serving(answering("well")) as other, gateway() as made:
            made.serve([port, other], health_check=CHECK)
            await until(made, "unhealthy", "healthy")

    run(scenario())


def test_checks_end_with_their_pool(run: Any) -> None:
    checks = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal checks
        await reader.readuntil(b"\r\n\r\n")
        checks += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def scenario() -> None:
        async with serving(count) as port, gateway() as made:
            made.serve([port], health_check=CHECK)
            async with asyncio.timeout(5):
                while checks < 3:
                    await asyncio.sleep(0.02)
            made.serve([port])
            await asyncio.sleep(0.2)
            before = checks
            await asyncio.sleep(0.4)
            assert checks == before
            assert made.states() == [""]

    run(scenario())


def test_when_one_of_two_dies_under_load_no_request_that_may_be_repeated_fails(run: Any) -> None:
    async def load(made: Gateway, end: asyncio.Event) -> Counter[int]:
        counted: Counter[int] = Counter()
        while not end.is_set():
            counted[(await made.ask(get(method="GET")))[0]] += 1
        return counted

    async def scenario() -> None:
        async with AsyncExitStack() as stack, gateway() as made:
            staying = await stack.enter_async_context(serving(answering("staying")))
            doomed = AsyncExitStack()
            port = await doomed.enter_async_context(serving(answering("doomed")))
            made.serve([port, staying], outliers=Outliers(), retries=Retries(budget_per_second=100))
            end = asyncio.Event()
            callers = [asyncio.create_task(load(made, end)) for _ in range(8)]  # noqa: TID251
            await asyncio.sleep(0.5)
            await doomed.aclose()
            await until(made, "ejected", "healthy")
            await asyncio.sleep(0.5)
            end.set()
            counted = sum(await asyncio.gather(*callers), Counter())
            assert {*counted} == {200}, counted
            assert counted[200] > 100
            assert await asked(made) == {"staying": 20}

    run(scenario())


def test_what_is_known_of_a_target_outlives_a_revision(run: Any) -> None:
    async def scenario() -> None:
        async with serving(answering("bad", 503)) as port, several(1) as (other,), gateway() as made:
            outliers = Outliers(consecutive_failures=2)
            made.serve([port, other], outliers=outliers)
            for _ in range(4):
                await made.ask()
            assert made.states() == ["ejected", "healthy"]
            made.serve([port, other], outliers=outliers, balance=Balance(policy="least_active"))
            assert made.states() == ["ejected", "healthy"]
            assert await asked(made) == {"0": 20}

    run(scenario())


def test_the_breaker_opens_and_closes(run: Any) -> None:
    gate = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await gate.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    async def scenario() -> None:
        async with serving(wait) as port, gateway() as made:
            made.serve([port], circuit_breaker=CircuitBreaker(max_connections=2, max_pending_requests=1))
            asking = [asyncio.create_task(made.ask()) for _ in range(6)]  # noqa: TID251
            refused, _ = await asyncio.wait(asking, timeout=0.5)
            assert [each.result()[0] for each in refused] == [503] * 3
            assert all("upstream_circuit_open" in each.result()[1] for each in refused)
            gate.set()
            assert sorted([(await each)[0] for each in asking]) == [200] * 3 + [503] * 3
            assert await made.ask() == (200, "hi")
            assert made.pool.targets[0].open <= 2

    run(scenario())


def test_a_caller_stays_with_its_target_and_comes_back_to_it(run: Any) -> None:
    async def scenario() -> None:
        async with several(3) as ports, gateway() as made:
            made.serve(ports, balance=Balance(policy="consistent_hash", hash_on="header", header="X-Tenant"))

            async def tenant(name: str) -> str:
                return (await made.ask(get("/api/x", f"X-Tenant: {name}")))[1]

            homes = {str(number): await tenant(str(number)) for number in range(30)}
            assert {*homes.values()} == {"0", "1", "2"}
            for name, home in homes.items():
                assert await tenant(name) == home

    run(scenario())


def test_a_service_may_have_less_time_to_be_reached_than_others(run: Any) -> None:
    async def scenario() -> None:
        # A backlog that is full swallows connections without an answer.
        async with gateway(limits=Limits(connect_seconds=30, response_seconds=30)) as made:
            made.serve([9], host="192.0.2.1", timeouts=ServiceTimeouts(connect_seconds=0.2))
            loop = asyncio.get_running_loop()
            began = loop.time()
            status, body = await made.ask()
            assert loop.time() - began < 5
            assert status in (502, 504)
            assert "upstream_" in body

    run(scenario())


def test_idle_connections_of_a_service_may_be_kept_shorter(run: Any) -> None:
    async def scenario() -> None:
        async with several(1) as ports, gateway() as made:
            made.serve(ports, timeouts=ServiceTimeouts(connection_idle_seconds=0.2))
            made.state.pools.sweep(made.state.now)
            await made.ask()
            assert made.pool.targets[0].open == 1
            await asyncio.sleep(1.3)
            assert made.pool.targets[0].open == 0

    run(scenario())
