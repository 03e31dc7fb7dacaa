"""Accepting one by one: bounded at once, patient when the machine has no more to give, and over when closed."""

import errno
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gateway_runtime import accepting
from gateway_runtime.accepting import Acceptor
from gateway_runtime.http.limits import Limits
from gateway_runtime.http.state import WorkerState
from tests.gateway_runtime.fakes import Recorded


class FakeLoop:
    """Remembers whose readers it has and what it is to do later."""

    def __init__(self) -> None:
        self.readers: list[Any] = []
        self.later: list[Callable[[], None]] = []

    def add_reader(self, socket: Any, call: Callable[..., None], *arguments: Any) -> None:
        self.readers.append(socket)

    def remove_reader(self, socket: Any) -> None:
        if socket in self.readers:
            self.readers.remove(socket)

    def call_later(self, seconds: float, call: Callable[..., None], *arguments: Any) -> None:
        self.later.append(lambda: call(*arguments))


class Connected:
    def __init__(self) -> None:
        self.closed = False

    def setblocking(self, flag: bool) -> None:
        assert not flag

    def close(self) -> None:
        self.closed = True


class Listening:
    """Gives what is waiting, then says what it is told."""

    def __init__(self, waiting: int, error: OSError) -> None:
        self.given = [Connected() for _ in range(waiting)]
        self._waiting = list(self.given)
        self._error = error
        self.closed = False

    def accept(self) -> tuple[Connected, tuple[str, int]]:
        if not self._waiting:
            raise self._error
        return self._waiting.pop(), ("::ffff:203.0.113.9", 50000)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> FakeLoop:
    made = FakeLoop()
    monkeypatch.setattr(accepting.asyncio, "get_running_loop", lambda: made)
    return made


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Coroutine[Any, Any, None]]:
    """Return what has been begun for each connection, to run it by hand."""
    begun: list[Coroutine[Any, Any, None]] = []
    monkeypatch.setattr(accepting, "spawn", lambda name, work: begun.append(work))
    return begun


def accepting_from(listening: Listening, limits: Limits | None = None) -> Acceptor:
    state = WorkerState(recorder=Recorded(), limits=limits or Limits())
    return Acceptor([listening], state, 8080, None, proxied=True, backlog=1)  # type: ignore[list-item]


def close_all(taken: list[Coroutine[Any, Any, None]]) -> None:
    for each in taken:
        each.close()


def test_those_who_are_connected_get_their_turn(loop: FakeLoop, taken: list[Coroutine[Any, Any, None]]) -> None:
    listening = Listening(1000, BlockingIOError())
    acceptor = accepting_from(listening)
    acceptor._accept(listening)  # type: ignore[arg-type]
    assert len(taken) == 64
    close_all(taken)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_without_room_it_waits_and_tries_again(
    loop: FakeLoop, taken: list[Coroutine[Any, Any, None]], number: int
) -> None:
    listening = Listening(1, OSError(number, "no room"))
    acceptor = accepting_from(listening)
    acceptor._accept(listening)  # type: ignore[arg-type]
    assert loop.readers == []
    loop.later.pop()()
    assert loop.readers == [listening]
    close_all(taken)


def test_what_was_closed_meanwhile_is_not_tried_again(loop: FakeLoop) -> None:
    listening = Listening(0, OSError(errno.EMFILE, "no room"))
    acceptor = accepting_from(listening)
    acceptor._accept(listening)  # type: ignore[arg-type]
    acceptor.close()
    assert listening.closed
    loop.later.pop()()
    assert loop.readers == []


def test_a_connection_too_many_is_closed_before_anything_is_read(
    loop: FakeLoop, taken: list[Coroutine[Any, Any, None]]
) -> None:
    listening = Listening(1, BlockingIOError())
    acceptor = accepting_from(listening, Limits(connections_per_address=1))
    assert acceptor._state.reserve("203.0.113.9")
    acceptor._accept(listening)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):
        taken.pop().send(None)
    assert listening.given[0].closed
    assert acceptor._state.turned_away == {"connections_per_address": 1}
