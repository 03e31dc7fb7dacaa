"""Bringing traces to Redis. They may arrive twice, because each has an id; what waits too long is given up."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway_runtime.schema import keys
from gateway_runtime.schema.trace import BATCH_BYTES, BATCH_TRACES, TRACE_STREAM_LENGTH, TRACES_FIELD, TraceBatch

EXPORT_SECONDS = 1.0
# What waits while Redis is away: recent requests are what people ask about.
KEPT = 2_000
KEPT_BYTES = 8 * 1024 * 1024


class TraceExport:
    """Encoded traces of all workers on their way. `dropped` counts those given up here and in workers."""

    def __init__(self, redis: Redis, *, gateway: str, replica: str, now: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._gateway = gateway
        self._replica = replica
        self._started_at = now()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self.dropped = 0

    def add(self, traces: list[bytes], *, dropped: int = 0) -> None:
        """Take what a worker has noted. The oldest give way."""
        self.dropped += dropped
        for trace in traces:
            self._waiting.append(trace)
            self._bytes += len(trace)
        while len(self._waiting) > KEPT or self._bytes > KEPT_BYTES:
            self._bytes -= len(self._waiting.popleft())
            self.dropped += 1

    async def run(self) -> None:
        """Export every second until cancelled."""
        while True:
            await asyncio.sleep(EXPORT_SECONDS)
            await self.export()

    async def export(self) -> bool:
        """Send what waits. Return whether all of it was taken; while Redis is away it goes on waiting."""
        while self._waiting:
            traces = self._next()
            batch = TraceBatch(
                gateway=self._gateway,
                replica=self._replica,
                started_at=self._started_at,
                dropped=self.dropped,
                traces=[msgspec.Raw(each) for each in traces],
            )
            sent = False
            try:
                await self._redis.xadd(
                    keys.traces(self._gateway),
                    {TRACES_FIELD: msgspec.msgpack.encode(batch)},
                    maxlen=TRACE_STREAM_LENGTH,
                    approximate=True,
                )
                sent = True
            except (RedisError, OSError):
                return False
            finally:
                if not sent:
                    self._waiting.extendleft(reversed(traces))
                    self._bytes += sum(map(len, traces))
        return True

    def _next(self) -> list[bytes]:
        """Take the oldest away, as many as go together. More may come, and push others out, while these are sent."""
        traces: list[bytes] = []
        size = 0
        while self._waiting and len(traces) < BATCH_TRACES:
            size += len(self._waiting[0])
            if traces and size > BATCH_BYTES:
                break
            traces.append(self._waiting.popleft())
        self._bytes -= sum(map(len, traces))
        return traces
