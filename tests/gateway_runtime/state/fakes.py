"""A shared storage without Redis: the same counters, messages that take their time or get lost, and its own log."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import ceil
from typing import Any

from gateway_runtime.state.pipe import UNKNOWN, Command
from gateway_runtime.state.scripts import LEASE, TAKE


@dataclass
class Time:
    """True seconds, and what is due."""

    now: float = 1000.0
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: Any = field(default_factory=count)

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (seconds, next(self._order), act))

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, act = heapq.heappop(self._due)
            act()
        self.now = end


@dataclass
class FakeCounters:
    """What the scripts do, in Python. `windows` are all that were ever opened: (counter, limit, start, end) in ms."""

    time: Time
    fields: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    windows: list[tuple[str, int, int, int]] = field(default_factory=list)

    def run(self, command: Command) -> list[int]:
        assert command.script in (LEASE, TAKE)
        key, *arguments = command.arguments
        numbers = [int(argument) for argument in arguments]
        now = int(self.time.now * 1000)
        return self._lease(str(key), numbers, now) if command.script is LEASE else self._take(str(key), numbers, now)

    def _lease(self, key: str, numbers: list[int], now: int) -> list[int]:
        limiters, answer = numbers[0], [now]
        for number, at in enumerate(range(1, len(numbers), 6)):
            maximum, period, window, debt, back, want = numbers[at : at + 6]
            used, ends = self.fields.get((key, number), (0, 0))
            grant = 0
            if ends <= now:
                used, ends = 0, now + period if debt + want > 0 else 0
                if ends:
                    self.windows.append((key, number, now, ends))
            elif ends == window:
                used = max(0, used - back)
            if ends:
                used += debt
                grant = min(want, max(0, ceil((maximum - used) / limiters)))
                used += grant
                self.fields[key, number] = used, ends
            answer += [used, ends, grant]
        return answer

    def _take(self, key: str, numbers: list[int], now: int) -> list[int]:
        found = []
        for number, at in enumerate(range(0, len(numbers), 2)):
            used, ends = self.fields.get((key, number), (0, 0))
            found.append((used, ends) if ends > now else (0, now + numbers[at + 1]))
        passes = all(used < maximum for (used, _), maximum in zip(found, numbers[::2], strict=True))
        answer = [int(passes)]
        for number, (used, ends) in enumerate(found):
            if passes:
                self.fields[key, number] = used + 1, ends
            answer += [used + int(passes), ends - now]
        return answer


@dataclass
class FakeStore:
    """One worker's way to the counters. `delays` are those of the next messages, there and back; None loses one."""

    counters: FakeCounters
    limiters: int = 1
    away: bool = False
    delays: Callable[[], tuple[float, float, bool, bool]] = lambda: (0.0, 0.0, True, True)
    lost: int = 0
    sent: int = 0

    def key(self, owner: str, key: str) -> str:
        return f"{owner} {key}"

    def ask(self, command: Command, done: Callable[[Any], None]) -> None:
        there, back, arrives, returns = self.delays()
        time = self.counters.time
        self.sent += 1
        self.lost += not (arrives and returns)

        def execute() -> None:
            answer = self.counters.run(command) if arrives else None
            time.at(time.now + back, lambda: done(answer if arrives and returns else UNKNOWN))

        time.at(time.now + there, execute)

    async def call(self, command: Command) -> Any:
        return UNKNOWN if self.away else self.counters.run(command)
