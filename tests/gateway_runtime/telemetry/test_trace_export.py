"""Traces on their way to Redis."""

import asyncio
from typing import Any

import msgspec
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway_runtime.schema.trace import BATCH_BYTES, TRACES_FIELD, TraceBatch
from gateway_runtime.telemetry.trace_export import KEPT, TraceExport


class FakeStream:
    """Takes batches, or is away."""

    def __init__(self) -> None:
        self.away = False
        self.batches: list[TraceBatch] = []

    async def xadd(self, name: str, fields: dict[str, bytes], **limits: Any) -> None:
        if self.away:
            raise RedisConnectionError
        self.batches.append(msgspec.msgpack.decode(fields[TRACES_FIELD], type=TraceBatch))


def one(text: str) -> bytes:
    return msgspec.msgpack.encode({"id": text})


def export_to(stream: FakeStream) -> TraceExport:
    return TraceExport(stream, gateway="g", replica="r", now=lambda: 5.0)  # type: ignore[arg-type]


def ids(stream: FakeStream) -> list[str]:
    return [msgspec.msgpack.decode(trace)["id"] for batch in stream.batches for trace in batch.traces]


def test_what_waits_is_sent_once_and_in_order() -> None:
    async def run() -> None:
        stream = FakeStream()
        export = export_to(stream)
        export.add([one("a"), one("b")])
        assert await export.export()
        assert await export.export()
        assert ids(stream) == ["a", "b"]
        assert (stream.batches[0].gateway, stream.batches[0].replica, stream.batches[0].started_at) == ("g", "r", 5.0)

    asyncio.run(run())


def test_traces_wait_while_redis_is_away() -> None:
    async def run() -> None:
        stream = FakeStream()
        stream.away = True
        export = export_to(stream)
        export.add([one("a")])
        assert not await export.export()
        stream.away = False
        assert await export.export()
        assert ids(stream) == ["a"]

    asyncio.run(run())


def test_the_oldest_give_way_and_are_counted() -> None:
    async def run() -> None:
        stream = FakeStream()
        export = export_to(stream)
        export.add([one(str(number)) for number in range(KEPT + 3)], dropped=4)
        assert export.dropped == 7
        await export.export()
        assert ids(stream)[0] == "3"
        assert stream.batches[-1].dropped == 7

    asyncio.run(run())


def test_what_gives_way_while_a_batch_is_sent_is_not_taken_off_twice() -> None:
    class Slow(FakeStream):
        async def xadd(self, name: str, fields: dict[str, bytes], **limits: Any) -> None:
            await super().xadd(name, fields)
            if len(self.batches) == 1:
                export.add([one(f"later {number}") for number in range(KEPT)])

    async def run() -> None:
        export.add([one("a"), one("b")])
        assert await export.export()

    stream = Slow()
    export = export_to(stream)
    asyncio.run(run())
    assert ids(stream)[:3] == ["a", "b", "later 0"]
    assert len(ids(stream)) == KEPT + 2
    assert export.dropped == 0


def test_a_batch_is_no_larger_than_its_readers_and_redis_can_hold_many_of() -> None:
    async def run() -> None:
        stream = FakeStream()
        export = export_to(stream)
        export.add([one("x" * (BATCH_BYTES // 3))] * 7)
        await export.export()
        assert [len(batch.traces) for batch in stream.batches] == [2, 2, 2, 1]
        export.add([one("x" * 2 * BATCH_BYTES)])
        assert await export.export()
        assert len(stream.batches) == 5

    asyncio.run(run())
