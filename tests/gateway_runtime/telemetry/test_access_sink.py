"""Lines to a pipe or file: whole, in order, and dropped instead of waited for."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_runtime.telemetry import access_sink
from gateway_runtime.telemetry.access_sink import AccessSink
from gateway_runtime.telemetry.delivery import Descriptor


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        os.close(descriptor)


def test_lines_arrive_whole_and_in_order(pipe: tuple[int, int]) -> None:
    lines = [b"%d %s\n" % (number, b"x" * 300) for number in range(50)]

    async def write() -> AccessSink:
        sink = AccessSink(Descriptor(pipe[1]))
        for line in lines:
            sink.add(line)
        await sink.close()
        return sink

    sink = asyncio.run(write())
    assert os.read(pipe[0], 65_536) == b"".join(lines)
    assert (sink.written, sink.dropped) == (50, 0)


def test_a_write_to_a_pipe_is_never_larger_than_what_stays_together(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def write(descriptor: int, data: memoryview) -> int:
        sizes.append(len(data))
        return len(data)

    monkeypatch.setattr(os, "write", write)

    async def fill() -> None:
        sink = AccessSink(Descriptor(pipe[1]))
        for _ in range(100):
            sink.add(b"x" * 999 + b"\n")
        await sink.close()

    asyncio.run(fill())
    assert sizes == [4000] * 25


def test_a_reader_who_does_not_read_loses_lines_and_costs_no_time(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_sink, "FLUSH_SECONDS", 0.001)
    monkeypatch.setattr(access_sink, "CLOSE_SECONDS", 0.05)

    async def write() -> tuple[AccessSink, float]:
        loop = asyncio.get_running_loop()
        sink = AccessSink(Descriptor(pipe[1]), limit=100_000)
        longest = 0.0
        for _ in range(100):
            began = loop.time()
            for _ in range(40):
                sink.add(b"x" * 99 + b"\n")
            longest = max(longest, loop.time() - began)
            await asyncio.sleep(0.001)
        await sink.close()
        return sink, longest

    sink, longest = asyncio.run(write())
    assert longest < 0.05
    # What the pipe and two buffers hold is not lost yet.
    assert 4_000 - sink.dropped < 3_000
    assert sink.dropped > 1_000
    os.read(pipe[0], 65_536)


def test_a_file_gets_every_line(tmp_path: Path) -> None:
    async def write(descriptor: int) -> None:
        sink = AccessSink(Descriptor(descriptor))
        for number in range(1_000):
            sink.add(b"%d\n" % number)
        await sink.close()

    with (tmp_path / "log").open("wb") as file:
        asyncio.run(write(file.fileno()))
    assert (tmp_path / "log").read_bytes() == b"".join(b"%d\n" % number for number in range(1_000))


def test_a_closed_pipe_is_no_error(pipe: tuple[int, int]) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    async def write() -> AccessSink:
        sink = AccessSink(Descriptor(writing))
        sink.add(b"lost\n")
        await sink.close()
        return sink

    sink = asyncio.run(write())
    os.close(writing)
    assert (sink.written, sink.dropped) == (0, 1)
