"""The worker process of the product, given its revisions as the supervisor gives them."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway_runtime.configuration.source import Offer
from gateway_runtime.log import log
from gateway_runtime.schema import document as documents
from gateway_runtime.workers import WorkerPool


class OneWorker:
    """One worker process behind a supervisor's pool. `applied` has each revision's number, its beginning and its end.

    Times are seconds of the monotonic clock: before the one no request can have had the revision, after the other all
    must have it.
    """

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self.applied: list[tuple[int, float, float]] = []

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._pool.alive[0].process.pid

    async def apply(self, number: int, data: bytes) -> float:
        """Bring a revision to it. Return how many seconds that took."""
        began = time.monotonic()
        faults = await self._pool.apply(Offer(number, documents.digest(data), data))
        if faults:
            sys.exit(f"The revision cannot be compiled: {faults}")
        self.applied.append((number, began, time.monotonic()))
        return time.monotonic() - began


@asynccontextmanager
async def one_worker() -> AsyncIterator[OneWorker]:
    """Run a worker until the block ends."""
    log.level = "error"
    pool = WorkerPool(1, lambda telemetry, dropped: None)
    await pool.start()
    try:
        yield OneWorker(pool)
    finally:
        await pool.stop(0.0)
