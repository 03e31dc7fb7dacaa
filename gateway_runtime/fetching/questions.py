"""Questions to others that many ask at the same time: each is asked once, and not too many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from gateway_runtime.tasks import spawn

# Those that come on top of the first hundred wait, and on top of the first thousand there are none.
AT_ONCE, WAITING = 100, 1000

Answer = TypeVar("Answer")


class TooManyQuestions(Exception):
    """So many questions are open that another one makes no sense."""


class Questions(Generic[Answer]):
    """Open questions by what they are about. Whoever asks bounds the time that his own question takes."""

    __slots__ = ("_gate", "_name", "_open")

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: dict[Hashable, asyncio.Task[tuple[Answer] | Exception]] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)

    def start(self, about: Hashable, ask: Callable[[], Awaitable[Answer]]) -> None:
        """Ask in the background, unless that is being done. Raises `TooManyQuestions`."""
        if about in self._open:
            return
        if len(self._open) >= WAITING:
            raise TooManyQuestions
        self._open[about] = spawn(self._name, self._asked(about, ask))

    async def answer(self, about: Hashable, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask, together with all who want to know the same. Raises what `ask` raises, or `TooManyQuestions`."""
        self.start(about, ask)
        # A request that is given up must not take the answer from the others.
        found = await asyncio.shield(self._open[about])
        if isinstance(found, Exception):
            raise found
        return found[0]

    async def _asked(self, about: Hashable, ask: Callable[[], Awaitable[Answer]]) -> tuple[Answer] | Exception:
        try:
            async with self._gate:
                return (await ask(),)
        except Exception as error:  # for those who wait, who know what to do about it
            return error
        finally:
            del self._open[about]


async def together(waiting: Iterable[Awaitable[Any]]) -> list[Any]:
    """Wait for all at once: one source that does not answer must not keep the others from being asked."""
    return list(await asyncio.gather(*waiting))
