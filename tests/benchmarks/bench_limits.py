"""How exact limits in fast mode are: 1,000 requests a second by chance at 1, 3 and 5 replicas that share a Redis.

First limiters alone, as workers have them, each with a connection of its own; then real gateway processes, asked by
HTTP. A limit of 500 a second has many windows, one of 3,000 an hour has one in which all is counted.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.state.limits import Limit, Verdict
from gateway_runtime.state.shared import MEMBER_SECONDS, SharedState
from gateway_runtime.tasks import spawn
from tests.benchmarks.findings import Findings, Progress
from tests.integration.conftest import RedisServer
from tests.integration.gateway.fleet import fleet, rate_limiting, service

RATE = 1_000
SECONDS = 8.0
REPLICAS = (1, 3, 5)
SHORT, LONG = Limit(500, 1.0), Limit(3_000, 3_600.0)
# How much more than the limit may pass, in percent.
GOAL = 1.0

# Makes one request of a replica and tells whether it has passed.
Ask = Callable[[int], Awaitable[bool]]


def measure(folder: str, progress: Progress) -> Findings:
    """Measure limiters and gateways."""
    findings = Findings()
    rows = []
    redis = RedisServer(Path(folder))
    redis.start()
    try:
        for replicas in REPLICAS:
            for limit in (SHORT, LONG):
                name = f"{replicas} limiters, {limit.maximum} in {limit.period:g} s"
                progress(name)
                passed, messages = asyncio.run(_limiters(redis.url, replicas, limit))
                rows.append(_row(findings, name, passed, limit, f"{messages / SECONDS:.0f}"))
        for replicas in REPLICAS:
            for limit in (SHORT, LONG):
                name = f"{replicas} gateways, {limit.maximum} in {limit.period:g} s"
                progress(name)
                place = Path(folder) / f"{replicas}-{limit.maximum}"
                place.mkdir()
                policy = rate_limiting(limit.maximum, limit.period_ms)
                with service() as port, fleet(place, redis, port, policy) as gateways:
                    gateways.start(replicas)
                    passed = asyncio.run(_gateways(gateways.ports, redis, limit))
                rows.append(_row(findings, name, passed, limit, ""))
    finally:
        redis.kill()
    findings.table(("replicas and limit", "passed in a window", "over %", "goal", "messages/s to Redis"), rows)
    return findings


def _row(findings: Findings, name: str, passed: list[int], limit: Limit, messages: str) -> tuple[str, ...]:
    # Of many windows the mean: when exactly one ends is not known to the millisecond out here.
    over = max(sum(passed) / len(passed) / limit.maximum - 1, 0) * 100
    span = f"{min(passed)} to {max(passed)}" if len(passed) > 1 else str(passed[0])
    return name, span, f"{over:.2f}", findings.judge(name, over, GOAL), messages


async def _offered(ask: Ask, replicas: int, limit: Limit, ends: Callable[[], int]) -> list[int]:
    """Offer the load. Return how many passed in each whole window of Redis, of a long one in all."""
    passed: list[float] = []
    found: set[int] = set()

    async def one() -> None:
        if await ask(random.randrange(replicas)):
            passed.append(time.time() * 1000)

    began = due = time.monotonic()
    tasks = set()
    next_look = 0.0
    while due < began + SECONDS:
        due += random.expovariate(RATE)
        if (pause := due - time.monotonic()) > 0:
            await asyncio.sleep(pause)
        task = spawn("asked", one())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if due >= next_look:
            next_look = due + 0.1
            found.add(ends())
    await asyncio.gather(*tasks)
    if limit is LONG:
        return [len(passed)]
    order = sorted(found - {0})[:-1]
    return [sum(a <= at < b for at in passed) for a, b in pairwise(order)]


async def _limiters(url: str, replicas: int, limit: Limit) -> tuple[list[int], int]:
    """Return how many passed, and how many messages Redis got."""
    states = [SharedState() for _ in range(replicas)]
    for state in states:
        await state.use(SharedStorage(url=url), f"bench-{replicas}-{limit.maximum}")
    # Until each has heard of all.
    await asyncio.sleep(MEMBER_SECONDS + 1)
    limiters = [state.windows((limit,), "bench", time.monotonic) for state in states]
    answered = sum(state.answered for state in states)

    async def ask(replica: int) -> bool:
        verdict = limiters[replica].ask("k", time.monotonic())
        return not (verdict if isinstance(verdict, Verdict) else await verdict).retry_after

    def ends() -> int:
        return max((entry.leases[0].window for each in limiters for entry in each._entries.values()), default=0)

    passed = await _offered(ask, replicas, limit, ends)
    answered = sum(state.answered for state in states) - answered
    for state in states:
        await state.close()
    return passed, answered


async def _gateways(ports: list[int], redis: RedisServer, limit: Limit) -> list[int]:
    """Return how many passed, asked on kept connections."""
    kept: dict[int, list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = {port: [] for port in ports}

    async def ask(replica: int) -> bool:
        port = ports[replica]
        free = kept[port]
        reader, writer = free.pop() if free else await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /orders/1 HTTP/1.1\r\nHost: orders.example\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        free.append((reader, writer))
        status = int(head.split(b" ", 2)[1])
        assert status in (200, 429), status
        return status == 200

    with redis.client() as client:

        def ends() -> int:
            names = client.keys("portico:gateway:local:counter:*")
            return max((int(client.hget(name, f"e{limit.field}") or 0) for name in names), default=0)

        passed = await _offered(ask, len(ports), limit, ends)
        client.flushdb()
    for free in kept.values():
        for _, writer in free:
            writer.close()
    return passed
