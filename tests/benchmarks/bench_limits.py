"""How exact leased limits are: `python -m tests.benchmarks.bench_limits [SECONDS]` with a Redis of its own.

Limiters as workers have them, each with its own connection, get 1,000 requests a second together, by chance and at
chance moments, against a limit of 500 a second. Printed is how many passed in each window of Redis.
"""

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.state.limits import Limit
from gateway_runtime.state.shared import MEMBER_SECONDS, SharedState
from tests.integration.conftest import RedisServer

RATE = 1_000
LIMIT = Limit(500, 1.0)
REPLICAS = (1, 3, 5)


async def run(url: str, replicas: int, seconds: float) -> tuple[list[int], int]:
    """Return how many passed in each whole window, and how many messages Redis got."""
    states = [SharedState() for _ in range(replicas)]
    for state in states:
        await state.use(SharedStorage(url=url), f"bench-{replicas}")
    # Until each has heard of all.
    await asyncio.sleep(MEMBER_SECONDS + 1)
    limiters = [state.windows((LIMIT,), "bench", time.monotonic) for state in states]
    answered = sum(state.answered for state in states)
    passed: list[float] = []
    ends: set[int] = set()
    end = due = time.monotonic()
    end += seconds
    while due < end:
        due += random.expovariate(RATE)
        if (pause := due - time.monotonic()) > 0:
            await asyncio.sleep(pause)
        limiter = random.choice(limiters)
        if not limiter.take("k", time.monotonic()).retry_after:
            passed.append(time.time() * 1000)
        ends.update(entry.leases[0].window for entry in limiter._entries.values())
    answered = sum(state.answered for state in states) - answered
    for state in states:
        await state.close()
    order = sorted(ends - {0})[:-1]
    return [sum(a <= at < b for at in passed) for a, b in zip([0, *order], order, strict=False)], answered


def main() -> None:
    """Print one line for each number of replicas."""
    seconds = min(float(sys.argv[1]) if len(sys.argv) > 1 else 6.0, 30.0)
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder))
        redis.start()
        try:
            for replicas in REPLICAS:
                windows, messages = asyncio.run(run(redis.url, replicas, seconds))
                worst = max(max(windows) / LIMIT.maximum - 1, 0)
                least = max(1 - min(windows) / LIMIT.maximum, 0)
                print(
                    f"{replicas} limiters: {windows} of {LIMIT.maximum} passed; "
                    f"over {worst:.1%}, under {least:.1%}; {messages / seconds:.0f} messages/s to Redis"
                )
        finally:
            redis.kill()


if __name__ == "__main__":
    main()
