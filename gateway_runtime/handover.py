"""A running gateway and the new copy of it that is to take its place: what they say, and how the one starts the other.

Both may be of different versions, so a message only ever gains fields, with defaults.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import suppress
from typing import TypeVar

from gateway_runtime.control import Channel, Message, Telemetry
from gateway_runtime.schema.document import ApiInstance, Listener
from gateway_runtime.schema.telemetry import TrafficRow
from gateway_runtime.telemetry.spool import SpoolState

# Descriptors of the channel, the lock of the state folder (-1 for none) and the admin listeners, for the new copy.
VARIABLE = "PORTICO_GATEWAY_HANDOVER"
# More than a new copy takes to give its callers back.
END_SECONDS = 15.0


class HandoverError(Exception):
    """The one side cannot go on with the other. The message is one sentence for the operator."""


class Begin(Message, frozen=True):
    """What the old one serves with so many workers. `serving` tells whether it has a revision at all.

    `definitions` are the last good ones of APIs that its revision has in a broken form.
    """

    workers: int
    serving: bool
    listeners: list[Listener]
    definitions: list[ApiInstance]


class Ready(Message, frozen=True):
    """The new one serves with all its workers."""

    workers: int
    version: str


class State(Message, frozen=True):
    """All that was counted until now. From here on the old one sends nothing to the portal."""

    totals: list[TrafficRow]
    handshakes: dict[str, int]
    spool: SpoolState | None
    turned_away: dict[str, int] = {}


class Taken(Message, frozen=True):
    """The new one has the state and will speak for the replica as soon as it hears `Go`, or nothing more at all."""


class Go(Message, frozen=True):
    """The replica is yours."""


class Counted(Message, frozen=True):
    """What the old one's workers counted after `State`."""

    telemetry: Telemetry
    dropped: int


ToSuccessor = Begin | State | Go | Counted
ToPredecessor = Ready | Taken

Expected = TypeVar("Expected", bound=Message)


async def open_channel(end: socket.socket, incoming: object) -> Channel:
    """Return a channel over one end of a socket pair."""
    reader, writer = await asyncio.open_connection(sock=end)
    return Channel(reader, writer, incoming)


class Successor:
    """The new copy, as the running gateway sees it."""

    def __init__(self, process: "subprocess.Popen[bytes]", channel: Channel) -> None:
        self._process = process
        self._channel = channel
        self._messages = channel.messages()
        self.pid = process.pid
        self.workers = 0

    @classmethod
    async def start(cls, *, admin: Sequence[int], lock: int | None) -> "Successor":
        """Start this very program again, with the code that is installed now."""
        ours, theirs = socket.socketpair()
        told = [theirs.fileno(), -1 if lock is None else lock, *admin]
        environment = {**os.environ, VARIABLE: ",".join(map(str, told))}
        # It names the process that is watched now.
        environment.pop("WATCHDOG_PID", None)
        with theirs:
            try:
                # Not a process of the event loop's: that one would be killed when this loop ends.
                process = subprocess.Popen(  # noqa: S603 - how this very process was started
                    [sys.executable, *sys.orig_argv[1:]],
                    stdin=subprocess.DEVNULL, pass_fds=[each for each in told if each >= 0], env=environment,
                )  # fmt: skip
            except OSError:
                ours.close()
                raise
        return cls(process, await open_channel(ours, ToPredecessor))

    def send(self, message: ToSuccessor) -> None:
        """Say something."""
        self._channel.send(message)

    async def ready(self) -> None:
        """Wait until it serves. Raises `HandoverError` when it ends instead."""
        self.workers = (await self._expect(Ready)).workers

    async def taken(self) -> None:
        """Wait until it has the state. Raises `HandoverError` when it ends instead."""
        await self._expect(Taken)

    def go(self) -> None:
        """Leave the replica to it."""
        self.send(Go())

    async def _expect(self, kind: type[Expected]) -> Expected:
        async for message in self._messages:
            if isinstance(message, kind):
                return message
            break
        raise HandoverError("The new process ended before it was ready. Its own log lines say why.")

    async def end(self) -> None:
        """Make it end, politely first."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        await self._channel.close()

    async def leave(self) -> None:
        """Say what is queued, and no more: the new one knows by this that the old one is gone."""
        await self._channel.close()


class Predecessor:
    """The running gateway, as its new copy sees it."""

    def __init__(self, channel: int, lock: int | None, admin: Sequence[int]) -> None:
        self._end = socket.socket(fileno=channel)
        self.admin = [socket.socket(fileno=each) for each in admin]
        self.lock = lock
        for descriptor in (channel, *admin, *([] if lock is None else [lock])):
            os.set_inheritable(descriptor, False)
        self._channel: Channel | None = None
        self.workers = 0
        self.serving = False

    @classmethod
    def find(cls, environment: MutableMapping[str, str]) -> "Predecessor | None":
        """Return who started this process to be replaced by it, and forget the variable. Raises `HandoverError`."""
        told = environment.pop(VARIABLE, "")
        if not told:
            return None
        try:
            channel, lock, *admin = map(int, told.split(","))
            return cls(channel, lock if lock >= 0 else None, admin)
        except (ValueError, OSError) as error:
            raise HandoverError(f"{VARIABLE} is set by a running gateway for its successor. Unset it.") from error

    async def begin(self) -> Begin:
        """Return what it says first. Raises `HandoverError` when it has gone."""
        self._channel = await open_channel(self._end, ToSuccessor)
        async for message in self._channel.messages():
            if isinstance(message, Begin):
                self.workers, self.serving = message.workers, message.serving
                return message
            break
        raise HandoverError("The running gateway has gone without a word. Start this one by itself.")

    def send(self, message: ToPredecessor) -> None:
        """Say something."""
        assert self._channel is not None
        self._channel.send(message)

    def messages(self) -> AsyncIterator[State | Go | Counted]:
        """Yield what it says until it has gone."""
        assert self._channel is not None
        return self._channel.messages()
