import asyncio
import socket

import pytest

from gateway_runtime.control import (
    ApiFault,
    Applied,
    Apply,
    Channel,
    Drain,
    FromWorker,
    Hello,
    Rejected,
    Telemetry,
    ToWorker,
)
from gateway_runtime.schema.document import ApiInstance
from gateway_runtime.schema.telemetry import TrafficRow

FAULT = ApiFault(api="a", name="A", code="c", path="p", message="m", kept=True)
ROW = TrafficRow(1, "a", "r", "", 200, "", "", 1, 2, 3, {4: 1}, {})


async def pair() -> tuple[Channel, Channel]:
    ours, theirs = socket.socketpair()
    return (
        Channel(*await asyncio.open_connection(sock=ours), FromWorker),
        Channel(*await asyncio.open_connection(sock=theirs), ToWorker),
    )


async def received(channel: Channel) -> list[object]:
    return [message async for message in channel.messages()]


@pytest.mark.parametrize(
    "messages",
    [
        [Drain(seconds=2.5)],
        [
            Apply(
                revision=3,
                digest="d",
                document=b"\0{}" * 300_000,
                definitions=[ApiInstance(id="a", name="A", listener="l", base_path="")],
            ),
            Drain(seconds=1),
        ],
    ],
)
def test_messages_to_a_worker_arrive_as_they_were_sent(messages: list[Apply | Drain]) -> None:
    async def run() -> None:
        supervisor, worker = await pair()
        reading = asyncio.gather(received(worker))
        for message in messages:
            supervisor.send(message)
        await supervisor.close()
        assert (await reading)[0] == messages
        await worker.close()

    asyncio.run(run())


def test_messages_from_a_worker_arrive_in_order_and_the_end_is_seen() -> None:
    messages = [
        Hello(worker_pid=1),
        Applied(revision=2, took_ms=1.5, faults=[FAULT]),
        Rejected(revision=3, code="c", path="p", message="m"),
        Telemetry(rows=[ROW], served=4, dropped=1),
    ]

    async def run() -> None:
        supervisor, worker = await pair()
        for message in messages:
            worker.send(message)
        await worker.close()
        assert await received(supervisor) == messages
        supervisor.send(Drain(seconds=1))
        await supervisor.close()
        supervisor.send(Drain(seconds=1))

    asyncio.run(run())


def test_a_reader_that_falls_behind_is_noticed() -> None:
    async def run() -> None:
        supervisor, worker = await pair()
        assert not supervisor.crowded
        supervisor.send(Apply(revision=1, digest="", document=bytes(9 * 1024 * 1024)))
        assert supervisor.crowded
        await worker.close()
        await supervisor.close()

    asyncio.run(run())
