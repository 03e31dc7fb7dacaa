"""Bringing what was counted to Redis, each batch exactly once."""

import asyncio

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway_runtime.log import log
from gateway_runtime.schema import keys
from gateway_runtime.schema.telemetry import BATCH_FIELD, STREAM_LENGTH
from gateway_runtime.telemetry.spool import Spool, Waiting

EXPORT_SECONDS = 1.0
MARK_TTL_SECONDS = 24 * 3600


class Exporter:
    """Sends a spool's batches in order. While Redis is away they wait in the spool.

    `redis` is for this exporter alone. A batch that timed out may lie in the socket of a Redis that hangs; the question
    whether it arrived then comes on a newer connection, which Redis reads after the older one.
    """

    def __init__(self, redis: Redis, spool: Spool, *, gateway: str, replica: str) -> None:
        self._redis = redis
        self._spool = spool
        self._stream = keys.telemetry(gateway)
        self._mark_key = keys.exported(gateway, replica)
        # Set when a batch was sent and no answer came: it may or may not have arrived.
        self.in_doubt = False
        self._away = False

    async def run(self) -> None:
        """Export every second until cancelled."""
        while True:
            await asyncio.sleep(EXPORT_SECONDS)
            await self.export()

    async def export(self) -> bool:
        """Send what waits. Return whether everything was stored."""
        self._spool.pack()
        while (batch := self._spool.first()) is not None:
            try:
                await self._store(batch)
            except (RedisError, OSError) as error:
                if not self._away:
                    log.warning("telemetry_waits", waiting=self._spool.waiting, error=error)
                self._away = True
                return False
            self._away = False
            self._spool.stored(batch)
        return True

    async def _store(self, batch: Waiting) -> None:
        # Batch and mark are written in one transaction, so the mark tells whether an unanswered attempt arrived.
        if self.in_doubt and await self._redis.get(self._mark_key) == batch.mark.encode():
            self.in_doubt = False
            return
        self.in_doubt = True
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xadd(self._stream, {BATCH_FIELD: batch.payload}, maxlen=STREAM_LENGTH, approximate=True)
            pipeline.set(self._mark_key, batch.mark, ex=MARK_TTL_SECONDS)
            await pipeline.execute()
        self.in_doubt = False
