import asyncio
from typing import Any

import msgspec
import pytest
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

    def time(self) -> None:
        pass

    async def execute(self) -> list[Any]:
        if self.away:
            raise RedisConnectionError("away")
        for name, key, value in self._queued:
            self.hashes.setdefault(name, {})[key] = value
        return [None, (1_000, 500_000)]


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


def reported_skew(redis: FakeRedis) -> float | None:
    return msgspec.json.decode(redis.hashes[keys.replicas("g")]["r1"], type=ReplicaStatus).clock_skew_seconds


def test_the_clock_is_compared_with_that_of_redis() -> None:
    redis = FakeRedis()
    times = iter((1002.4, 1002.6, 1002.4, 1002.6))
    subject = Reporter(redis, gateway="g", status=status, now=lambda: next(times))  # type: ignore[arg-type]
    asyncio.run(subject.report())
    assert reported_skew(redis) is None
    asyncio.run(subject.report())
    assert reported_skew(redis) == 2.0


@pytest.mark.parametrize(("clock", "told"), [(1002.6, 1), (998.0, 1), (1001.4, 0)])
def test_a_clock_that_is_off_by_more_than_a_second_is_told_once(
    capfd: pytest.CaptureFixture[str], clock: float, told: int
) -> None:
    subject = Reporter(FakeRedis(), gateway="g", status=status, now=lambda: clock)  # type: ignore[arg-type]
    for _ in range(3):
        asyncio.run(subject.report())
    assert capfd.readouterr().err.count("clock_differs") == told


def test_a_wrong_clock_does_not_move_when_a_replica_was_heard() -> None:
    told = msgspec.structs.replace(status(), seen_at=500.0, clock_skew_seconds=-20.0)
    assert told.heard_at == 520.0
    assert status().heard_at == status().seen_at
