"""Calls over one connection, with a Redis that answers as a test says."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from redis.exceptions import ConnectionError, NoScriptError, ResponseError

from gateway_runtime.state import pipe as module
from gateway_runtime.state.breaker import Breaker, BreakerState
from gateway_runtime.state.pipe import UNKNOWN, Command, Pipe
from gateway_runtime.state.scripts import TAKE
from gateway_runtime.tasks import spawn
from tests.gateway_runtime.fakes import FakeClock

PING = Command(("PING",))


class FakeConnection:
    """Answers with what `answer` returns or raises, command by command."""

    def __init__(self, answer: Callable[[tuple], Any]) -> None:
        self._answer = answer
        self._asked: list[tuple] = []
        self.batches: list[int] = []
        self.hanging: asyncio.Event | None = None
        self._reader: asyncio.StreamReader | None = None
        self.closed = 0

    def answer_from(self, reader: asyncio.StreamReader) -> None:
        """Answer each command only when a byte of it has come by a socket."""
        self._reader = reader

    async def connect(self) -> None:
        pass

    def pack_commands(self, commands: list[tuple]) -> list[tuple]:
        return commands

    async def send_packed_command(self, commands: list[tuple], check_health: bool) -> None:
        self.batches.append(len(commands))
        self._asked += commands

    async def read_response(self, disconnect_on_error: bool) -> Any:
        if self.hanging is not None:
            await self.hanging.wait()
        if self._reader is not None:
            await self._reader.readexactly(1)
        answer = self._answer(self._asked.pop(0))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def disconnect(self, nowait: bool) -> None:
        self.closed += 1
        self._asked.clear()


def run(test: Callable[[Pipe, FakeConnection], Any], answer: Callable[[tuple], Any] = lambda command: command) -> Any:
    """Run a test with a pipe whose first trial has succeeded."""

    async def go() -> Any:
        connection = FakeConnection(answer)
        pipe = Pipe(lambda: connection, lambda: (PING, lambda _: None), Breaker("x", FakeClock()))  # type: ignore
        pipe.open()
        await pipe.tried(1)
        connection.batches.clear()
        try:
            return await test(pipe, connection)
        finally:
            await pipe.close()

    return asyncio.run(go())


def test_what_is_asked_at_once_goes_in_one_batch() -> None:
    async def test(pipe: Pipe, connection: FakeConnection) -> None:
        found = await asyncio.gather(*(pipe.call(Command(("GET", n))) for n in range(5)))
        assert found == [("GET", n) for n in range(5)]
        assert connection.batches == [5]

    run(test)


def test_what_has_become_known_while_it_waited_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    learned: list[str] = []

    async def test(pipe: Pipe, connection: FakeConnection) -> None:
        async def ask(n: int) -> Any:
            answer = await pipe.call(Command(("GET", n), known=lambda: learned[0] if learned else None))
            learned.append("learned")
            return answer

        assert await asyncio.gather(*map(ask, range(7))) == [("GET", 0), ("GET", 1), *["learned"] * 5]
        assert connection.batches == [2]

    run(test)


def test_a_hanging_store_costs_one_time_limit_and_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALL_SECONDS", 0.02)

    async def test(pipe: Pipe, connection: FakeConnection) -> None:
        connection.hanging = asyncio.Event()
        loop = asyncio.get_running_loop()
        for _ in range(3):
            began = loop.time()
            assert await pipe.call(PING) is UNKNOWN
            assert loop.time() - began < 0.2
            await asyncio.sleep(0.01)
        assert pipe.state is BreakerState.OPEN
        began = loop.time()
        assert await pipe.call(PING) is UNKNOWN
        assert loop.time() - began < 0.01
        assert connection.closed >= 3

    run(test)


def test_whoever_waits_behind_a_hanging_batch_is_not_made_to_wait_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALL_SECONDS", 0.03)

    async def test(pipe: Pipe, connection: FakeConnection) -> None:
        connection.hanging = asyncio.Event()
        answers: list[Any] = []
        pipe.ask(PING, answers.append)
        await asyncio.sleep(0.01)
        pipe.ask(PING, answers.append)
        async with asyncio.timeout(2):
            while not answers:
                await asyncio.sleep(0.001)
        assert answers == [UNKNOWN, UNKNOWN]
        assert pipe.unknown == 2

    run(test)


def test_calls_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_LIMIT", 3)

    async def test(pipe: Pipe, connection: FakeConnection) -> None:
        answers: list[Any] = []
        for _ in range(5):
            pipe.ask(PING, answers.append)
        assert answers == [UNKNOWN, UNKNOWN]

    run(test)


def test_a_script_that_redis_has_forgotten_is_sent_again() -> None:
    seen: list[str] = []

    def answer(command: tuple) -> Any:
        seen.append(command[0])
        return NoScriptError("NOSCRIPT") if command[0] == "EVALSHA" else [1]

    async def test(pipe: Pipe, connection: FakeConnection) -> None:
        found = await asyncio.gather(pipe.call(Command(("key", 5, 1000), TAKE)), pipe.call(PING))
        assert found == [[1], [1]]

    run(test, answer)
    assert seen[1:] == ["EVALSHA", "PING", "EVAL"]


@pytest.mark.parametrize("error", [ResponseError("OOM command not allowed"), ConnectionError("gone"), OSError("gone")])
def test_an_error_is_unknown(error: Exception) -> None:
    failing = []

    async def test(pipe: Pipe, connection: FakeConnection) -> None:
        failing.append(True)
        assert await pipe.call(PING) is UNKNOWN

    run(test, lambda command: error if failing else command)


# The second one stands for what nobody has thought of.
@pytest.mark.parametrize("error", [OSError("gone"), ValueError("label empty or too long")])
def test_a_store_that_is_back_is_found_in_the_background(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_runtime.state.breaker.FIRST_TRIAL_SECONDS", 0.01)
    failing = []

    async def test(pipe: Pipe, connection: FakeConnection) -> None:
        failing.append(True)
        for _ in range(3):
            await pipe.call(PING)
        assert pipe.away
        failing.clear()
        async with asyncio.timeout(2):
            while pipe.away:
                await asyncio.sleep(0.005)
        assert await pipe.call(PING) == ("PING",)

    run(test, lambda command: error if failing else command)


def test_a_worker_that_is_busy_for_long_does_not_take_redis_for_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has come in time is read, though nobody could look for it before the time limit was over."""
    monkeypatch.setattr(module, "CALL_SECONDS", 0.02)

    async def test(pipe: Pipe, connection: FakeConnection) -> None:
        here, there = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=here)
        connection.answer_from(reader)
        calls = [spawn("call", pipe.call(Command(("GET", n)))) for n in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        there.sendall(b"x" * 3)
        time.sleep(0.05)
        assert await asyncio.gather(*calls) == [("GET", n) for n in range(3)]
        assert not pipe.away
        writer.close()
        there.close()

    run(test)
