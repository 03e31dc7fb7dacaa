import asyncio
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from gateway_runtime.schema.telemetry import TrafficRow
from gateway_runtime.telemetry.exporter import Exporter
from gateway_runtime.telemetry.spool import Spool
from gateway_runtime.testing import FakeClock


class FakeRedis:
    """A stream and a mark. `fail` is when to break: before writing, or after it and before the answer."""

    def __init__(self) -> None:
        self.stream: list[bytes] = []
        self.mark: bytes | None = None
        self.fail = ""
        self._queued: tuple[bytes, bytes] = (b"", b"")

    def pipeline(self, transaction: bool) -> "FakeRedis":
        assert transaction
        return self

    async def __aenter__(self) -> "FakeRedis":
        return self

    async def __aexit__(self, *error: Any) -> None:
        pass

    def xadd(self, name: str, fields: dict[str, bytes], maxlen: int, approximate: bool) -> None:
        assert approximate
        self._queued = (fields["batch"], b"")

    def set(self, name: str, mark: str, ex: int) -> None:
        self._queued = (self._queued[0], mark.encode())

    async def get(self, name: str) -> bytes | None:
        if self.fail:
            raise RedisConnectionError(self.fail)
        return self.mark

    async def execute(self) -> None:
        if self.fail == "before":
            raise RedisConnectionError("before")
        self.stream.append(self._queued[0])
        self.mark = self._queued[1]
        if self.fail == "after":
            raise RedisConnectionError("after")


def case() -> tuple[FakeRedis, Spool, Exporter]:
    redis, spool = FakeRedis(), Spool("g", "r1", FakeClock())
    return redis, spool, Exporter(redis, spool, gateway="g", replica="r1")  # type: ignore[arg-type]


def count(spool: Spool, requests: int = 1) -> None:
    spool.add([TrafficRow(1, "a", "", "", 200, "", "", requests, 0, 0, {}, {})])


def export(exporter: Exporter) -> bool:
    return asyncio.run(exporter.export())


def test_batches_are_stored_in_order() -> None:
    redis, spool, exporter = case()
    for _ in range(2):
        count(spool)
        assert export(exporter)
    assert len(redis.stream) == 2
    assert (spool.exported, spool.waiting) == (2, 0)


def test_batches_wait_while_redis_is_away() -> None:
    redis, spool, exporter = case()
    redis.fail = "before"
    for _ in range(3):
        count(spool)
        assert not export(exporter)
    assert (redis.stream, spool.waiting) == ([], 3)
    redis.fail = ""
    assert export(exporter)
    assert (len(redis.stream), spool.exported, spool.waiting) == (3, 3, 0)


def test_a_batch_whose_answer_was_lost_is_not_stored_twice() -> None:
    redis, spool, exporter = case()
    count(spool)
    redis.fail = "after"
    assert not export(exporter)
    count(spool)
    assert not export(exporter)
    redis.fail = ""
    assert export(exporter)
    assert len(redis.stream) == 2
    assert (spool.exported, spool.waiting, spool.dropped) == (2, 0, 0)


def test_a_batch_that_did_not_arrive_is_sent_again() -> None:
    redis, spool, exporter = case()
    count(spool)
    assert export(exporter)
    count(spool)
    redis.fail = "before"
    assert not export(exporter)
    redis.fail = ""
    assert export(exporter)
    assert len(redis.stream) == 2
