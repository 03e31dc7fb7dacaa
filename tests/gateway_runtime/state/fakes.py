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
    """What the scripts do with fixed windows, in Python. `windows` are all that were ever opened: (counter, limit,
    start, end) in ms.
    """

    time: Time
    fields: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    windows: list[tuple[str, str, int, int]] = field(default_factory=list)

    def run(self, command: Command) -> list[int]:
        assert command.script in (LEASE, TAKE)
        key, *arguments = command.arguments
        now = int(self.time.now * 1000)
        return (
            self._lease(str(key), arguments, now) if command.script is LEASE else self._take(str(key), arguments, now)
        )

    def _lease(self, key: str, arguments: list[Any], now: int) -> list[int]:
        limiters, answer = int(arguments[0]), [now]
        for at in range(1, len(arguments), 11):
            name, maximum, period, *ends_of, window, debt, back, need, want = arguments[at : at + 11]
            used, ends = self.fields.get((key, name), (0, 0))
            grant = 0
            if ends <= now:
                used, ends = 0, _end(now, period, ends_of) if debt + need + want > 0 else 0
                if ends:
                    self.windows.append((key, name, now, ends))
            elif ends == window:
                used = max(0, used - back)
            if ends:
                used += debt
                left = max(0, maximum - used)
                grant = min(need, left)
                grant += min(want, ceil((left - grant) / limiters))
                used += grant
                self.fields[key, name] = used, ends
            answer += [used, ends, grant]
        return answer

    def _take(self, key: str, arguments: list[Any], now: int) -> list[int]:
        found = []
        for at in range(0, len(arguments), 6):
            name, maximum, period, *ends_of = arguments[at : at + 6]
            used, ends = self.fields.get((key, name), (0, 0))
            found.append((name, maximum, *((used, ends) if ends > now else (0, _end(now, period, ends_of)))))
        passes = all(used < maximum for _, maximum, used, _ in found)
        answer = [int(passes), now * 1000]
        for name, _, used, ends in found:
            if passes:
                self.fields[key, name] = used + 1, ends
            answer += [used + int(passes), ends - now]
        return answer


def _end(now: int, period: int, ends: list[int]) -> int:
    return next((end for end in ends if now < end), now + period)


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
