"""Calls to Redis over one connection: what is asked while a batch is under way goes with the next one.

No caller waits for more than `CALL_SECONDS`, connecting included, and no failure is an exception: the answer is then
`UNKNOWN`, and the caller goes on with what it knows by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NamedTuple

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError, RedisError, ResponseError

from gateway_runtime.state.breaker import Breaker, BreakerState
from gateway_runtime.state.connection import Connect
from gateway_runtime.state.patience import Patience
from gateway_runtime.state.scripts import Script
from gateway_runtime.tasks import cancel, spawn

CALL_SECONDS = 0.05
# Nobody waits for a trial, and a connection with TLS over a long way takes its time.
TRIAL_SECONDS = 1.0
BATCH = 200
WAITING_LIMIT = 2_000


class Unknown(Enum):
    """The store could not be asked."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


class Command(NamedTuple):
    """What to ask. With `script` the arguments are its one key and its ARGV.

    `known` returns the answer where it has become known while the command waited, and None where it has to be asked.
    """

    arguments: tuple[bytes | str | int, ...]
    script: Script | None = None
    known: Callable[[], Any] | None = None

    def packed(self) -> tuple[bytes | str | int, ...]:
        """Return the command as Redis takes it."""
        return self.arguments if self.script is None else ("EVALSHA", self.script.sha, 1, *self.arguments)

    def whole(self) -> tuple[bytes | str | int, ...]:
        """Return the command with the text of its script."""
        assert self.script is not None
        return ("EVAL", self.script.text, 1, *self.arguments)


Done = Callable[[Any], None]
Call = tuple[Command, Done]


class Pipe:
    """One connection. `trial` is asked in the background when it has to be found out whether Redis is back."""

    def __init__(self, connect: Connect, trial: Callable[[], Call], breaker: Breaker) -> None:
        self._connect = connect
        self._trial = trial
        self._breaker = breaker
        self._connection: AbstractConnection | None = None
        self._waiting: deque[Call] = deque()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self.answered = 0
        self.unknown = 0

    @property
    def state(self) -> BreakerState:
        """Tell whether calls are made."""
        return self._breaker.state

    @property
    def away(self) -> bool:
        """Tell that a call would not be made."""
        return self._breaker.state is not BreakerState.CLOSED

    def open(self) -> None:
        """Start to connect, unless that has been done."""
        if self._task is None:
            self._task = spawn("shared-storage", self._run())

    async def tried(self, seconds: float) -> None:
        """Wait until it has been tried once whether Redis is there, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._tried.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Let go of the connection; whoever waits gets no answer."""
        await cancel(self._task)
        self._refuse_waiting()
        await self._disconnect()

    def ask(self, command: Command, done: Done) -> None:
        """Ask without waiting. `done` is called later, or at once with `UNKNOWN` where it makes no sense to ask."""
        if self.away or len(self._waiting) >= WAITING_LIMIT:
            self.unknown += 1
            done(UNKNOWN)
            return
        self._waiting.append((command, done))
        self._wanted.set()

    async def call(self, command: Command) -> Any:
        """Ask and wait, at most `CALL_SECONDS`. Returns the answer or `UNKNOWN`."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        patience = Patience(CALL_SECONDS, lambda: self._expire(future))
        self.ask(command, lambda answer: _resolve(future, answer))
        try:
            return await future
        finally:
            patience.cancel()

    def _expire(self, future: asyncio.Future[Any]) -> None:
        self.unknown += 1
        _resolve(future, UNKNOWN)

    async def _run(self) -> None:
        while True:
            if self.away:
                await asyncio.sleep(self._breaker.pause)
                self._breaker.trying()
                await self._send([self._trial()], TRIAL_SECONDS)
                self._tried.set()
            else:
                await self._wanted.wait()
                self._wanted.clear()
                while self._waiting and not self.away:
                    if batch := self._next_batch():
                        await self._send(batch, CALL_SECONDS)
                        # Those who were answered go on first: what they have learned may spare the others the question.
                        await asyncio.sleep(0)

    def _next_batch(self) -> list[Call]:
        """Return the calls to make now. Those whose answer is known by now get it."""
        batch: list[Call] = []
        while self._waiting and len(batch) < BATCH:
            command, done = self._waiting.popleft()
            answer = command.known() if command.known is not None else None
            if answer is None:
                batch.append((command, done))
            else:
                done(answer)
        return batch

    async def _send(self, batch: list[Call], seconds: float) -> None:
        """Make the calls of a batch in one round trip."""
        try:
            answers = await self._exchange_within(seconds, [command for command, _ in batch])
        except Exception as error:
            # Whatever it is: where this task ended, every later call would wait in vain.
            await self._disconnect()
            self._breaker.failed(_reason(error))
            self._refuse(batch)
            # They have waited for this batch, and are not made to wait for another.
            self._refuse_waiting()
        except BaseException:
            self._refuse(batch)
            raise
        else:
            if self.away:
                self._breaker.answered()
            self.answered += len(batch)
            for (_, done), answer in zip(batch, answers, strict=True):
                done(answer)

    async def _exchange_within(self, seconds: float, commands: list[Command]) -> list[Any]:
        async with asyncio.timeout(None) as limit:
            patience = Patience(seconds, lambda: limit.reschedule(0.0))
            try:
                return await self._exchange(commands)
            finally:
                patience.cancel()

    async def _exchange(self, commands: list[Command]) -> list[Any]:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._connect()
            await connection.connect()
        answers = await _round_trip(connection, [command.packed() for command in commands])
        missing = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if missing:
            # Redis has been started anew, or somebody has emptied its scripts: nothing of them has run.
            again = await _round_trip(connection, [commands[i].whole() for i in missing])
            for i, answer in zip(missing, again, strict=True):
                answers[i] = answer
        fault = next((answer for answer in answers if isinstance(answer, ResponseError)), None)
        if fault is not None:
            raise fault
        return answers

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    def _refuse_waiting(self) -> None:
        waiting, self._waiting = list(self._waiting), deque()
        self._refuse(waiting)

    def _refuse(self, calls: list[Call]) -> None:
        self.unknown += len(calls)
        for _, done in calls:
            done(UNKNOWN)


async def _round_trip(connection: AbstractConnection, commands: list[tuple[Any, ...]]) -> list[Any]:
    """Send commands at once and return their answers, of which some may be errors."""
    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
    answers: list[Any] = []
    for _ in commands:
        try:
            answers.append(await connection.read_response(disconnect_on_error=False))
        except ResponseError as error:
            answers.append(error)
    return answers


def _resolve(future: asyncio.Future[Any], answer: Any) -> None:
    if not future.done():
        future.set_result(answer)


def _reason(error: Exception) -> str:
    """Say what is wrong. Messages of Redis and of the system name addresses and users, never a password."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    said = str(error) if isinstance(error, (RedisError, OSError)) else ""
    return said or type(error).__name__
