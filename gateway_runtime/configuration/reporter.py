"""Telling the portal: a heartbeat every two seconds, and an answer to each revision."""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway_runtime.clock import Clock, time
from gateway_runtime.log import log
from gateway_runtime.schema import keys
from gateway_runtime.schema.replica import (
    ACKNOWLEDGEMENT_TTL_SECONDS,
    CLOCK_SKEW_SECONDS,
    HEARTBEAT_SECONDS,
    Acknowledgement,
    ReplicaStatus,
)

# Answers that wait for Redis to come back. Only the newest matter to anybody.
ANSWERS_KEPT = 16


class Reporter:
    """Writes this replica's status and answers. What cannot be written now is written with a later heartbeat."""

    def __init__(self, redis: Redis, *, gateway: str, status: Callable[[], ReplicaStatus], now: Clock = time) -> None:
        self._redis = redis
        self._gateway = gateway
        self._status = status
        self._answers: deque[Acknowledgement] = deque(maxlen=ANSWERS_KEPT)
        self._due = asyncio.Event()
        self._now = now
        self._skew: float | None = None
        self._told_skew = False
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
        status = msgspec.structs.replace(self._status(), clock_skew_seconds=self._skew)
        began = self._now()
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.hset(keys.replicas(self._gateway), status.replica, msgspec.json.encode(status))
                for answer in answers:
                    name = keys.acknowledgements(self._gateway, answer.revision)
                    pipeline.hset(name, answer.replica, msgspec.json.encode(answer))
                    pipeline.expire(name, ACKNOWLEDGEMENT_TTL_SECONDS)
                pipeline.time()
                *_, (seconds, micros) = await pipeline.execute()
        except (RedisError, OSError):
            self.connected = False
            return False
        self.connected = True
        # Redis has looked at its clock somewhere between the two moments, so it is told with the next heartbeat.
        self._note_skew((began + self._now()) / 2 - seconds - micros / 1_000_000)
        while self._answers and self._answers[0] in answers:
            self._answers.popleft()
        return True

    def _note_skew(self, skew: float) -> None:
        """Keep how far the clocks differ, and say so once when it is much."""
        self._skew = round(skew, 3)
        wrong = abs(skew) > CLOCK_SKEW_SECONDS
        if wrong and not self._told_skew:
            text = "This machine's clock differs from that of Redis. Set both by a time server."
            log.warning("clock_differs", seconds=self._skew, message=text)
        self._told_skew = wrong
