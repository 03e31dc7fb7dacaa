import asyncio
from typing import Any

import msgspec
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway_runtime.configuration.reporter import ANSWERS_KEPT, Reporter
from gateway_runtime.schema import keys
from gateway_runtime.schema.replica import Acknowledgement, ApplyState, ReplicaStatus


class FakeRedis:
    """Remembers what was written in a transaction; takes nothing while away."""

    def __init__(self) -> None:
        self.hashes: dict[str, dict[str, bytes]] = {}
        self.ttls: dict[str, int] = {}
        self.away = False
        self._queued: list[tuple[str, str, bytes]] = []

    def pipeline(self, transaction: bool) -> "FakeRedis":
        assert transaction
        self._queued = []
        return self

    async def __aenter__(self) -> "FakeRedis":
        return self

    async def __aexit__(self, *error: Any) -> None:
        pass

    def hset(self, name: str, key: str, value: bytes) -> None:
        self._queued.append((name, key, value))

    def expire(self, name: str, seconds: int) -> None:
        self.ttls[name] = seconds

    async def execute(self) -> None:
        if self.away:
            raise RedisConnectionError("away")
        for name, key, value in self._queued:
            self.hashes.setdefault(name, {})[key] = value


def status() -> ReplicaStatus:
    return ReplicaStatus(replica="r1", host="h", pid=1, version="0", workers=1, started_at=1.0, seen_at=2.0, revision=3)


def answer(number: int) -> Acknowledgement:
    return Acknowledgement(
        replica="r1", revision=number, digest="d", state=ApplyState.APPLIED, applied_at=1.0, took_ms=1.0
    )


def reporter(redis: FakeRedis) -> Reporter:
    return Reporter(redis, gateway="g", status=status)  # type: ignore[arg-type]


def test_status_and_answers_are_written() -> None:
    redis = FakeRedis()
    subject = reporter(redis)
    subject.acknowledge(answer(3))
    assert asyncio.run(subject.report())
    assert msgspec.json.decode(redis.hashes[keys.replicas("g")]["r1"], type=ReplicaStatus) == status()
    name = keys.acknowledgements("g", 3)
    assert msgspec.json.decode(redis.hashes[name]["r1"], type=Acknowledgement) == answer(3)
    assert redis.ttls[name] == 24 * 3600


def test_answers_wait_while_redis_is_away_and_are_bounded() -> None:
    redis = FakeRedis()
    redis.away = True
    subject = reporter(redis)
    for number in range(ANSWERS_KEPT + 2):
        subject.acknowledge(answer(number))
    assert not asyncio.run(subject.report())
    assert not subject.connected
    redis.away = False
    assert asyncio.run(subject.report())
    assert subject.connected
    assert len(redis.hashes) == ANSWERS_KEPT + 1
    redis.hashes.clear()
    asyncio.run(subject.report())
    assert list(redis.hashes) == [keys.replicas("g")]
