"""Telling the portal: a heartbeat every two seconds, and an answer to each revision."""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway_runtime.schema import keys
from gateway_runtime.schema.replica import (
    ACKNOWLEDGEMENT_TTL_SECONDS,
    HEARTBEAT_SECONDS,
    Acknowledgement,
    ReplicaStatus,
)

# Answers that wait for Redis to come back. Only the newest matter to anybody.
ANSWERS_KEPT = 16


class Reporter:
    """Writes this replica's status and answers. What cannot be written now is written with a later heartbeat."""

    def __init__(self, redis: Redis, *, gateway: str, status: Callable[[], ReplicaStatus]) -> None:
        self._redis = redis
        self._gateway = gateway
        self._status = status
        self._answers: deque[Acknowledgement] = deque(maxlen=ANSWERS_KEPT)
        self._due = asyncio.Event()
        self.connected = False

    def acknowledge(self, answer: Acknowledgement) -> None:
        """Send an answer as soon as possible."""
        self._answers.append(answer)
        self._due.set()

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            self._due.clear()
            await self.report()
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._due.wait()
            except TimeoutError:
                continue

    async def report(self) -> bool:
        """Write the status and the waiting answers at once. Return whether Redis took them."""
        answers = tuple(self._answers)
        status = self._status()
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.hset(keys.replicas(self._gateway), status.replica, msgspec.json.encode(status))
                for answer in answers:
                    name = keys.acknowledgements(self._gateway, answer.revision)
                    pipeline.hset(name, answer.replica, msgspec.json.encode(answer))
                    pipeline.expire(name, ACKNOWLEDGEMENT_TTL_SECONDS)
                await pipeline.execute()
        except (RedisError, OSError):
            self.connected = False
            return False
        self.connected = True
        while self._answers and self._answers[0] in answers:
            self._answers.popleft()
        return True
