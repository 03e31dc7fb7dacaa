"""Counting against limits in the memory of one worker."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from gateway_runtime.clock import Clock, time
from gateway_runtime.schema.calendar_period import CalendarPeriod
from gateway_runtime.state.calendar import USUAL_SECONDS, Calendar
from gateway_runtime.state.gcra import MICROSECONDS, Rate
from gateway_runtime.state.keyed import Keyed


class Limit:
    """So many in so many seconds: in a fixed window, in a sliding one, or in a period of a calendar.

    `field` tells its counter from those of the other limits of a key. The maximum is not in it: who changes a maximum
    does not want to forget what has been used.
    """

    def __init__(self, maximum: int, period: float, *, sliding: bool = False, calendar: Calendar | None = None) -> None:
        self.maximum = maximum
        self.period = period
        self.calendar = calendar
        self.field = calendar.period.value if calendar else f"{'s' if sliding else 'w'}{round(period * 1000)}"
        self.rate = Rate.of(maximum, period) if sliding else None

    @classmethod
    def by_calendar(cls, maximum: int, period: CalendarPeriod, zone: str) -> Limit:
        """Return a quota for each day, week, month or year of a time zone."""
        return cls(maximum, USUAL_SECONDS[period], calendar=Calendar(period, zone))

    @cached_property
    def period_ms(self) -> int:
        """Return the period in whole milliseconds."""
        return round(self.period * 1000)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Limit) and (self.maximum, self.field) == (other.maximum, other.field)

    def __hash__(self) -> int:
        return hash((self.maximum, self.field))

    def __repr__(self) -> str:
        return f"{self.maximum}/{self.field}"


def strictest(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Return the limits without those that another one makes pointless: of equal periods the smaller one counts."""
    found: dict[str, Limit] = {}
    for limit in limits:
        known = found.get(limit.field)
        if known is None or limit.maximum < known.maximum:
            found[limit.field] = limit
    return tuple(found.values())


class Verdict(NamedTuple):
    """The limit nearest to its end, and its `position` among all. Times are seconds.

    `retry_after` is 0 when the request may pass. `reset` is when the window ends, of a sliding one when all is back.
    """

    limit: int
    remaining: int
    reset: float
    retry_after: float
    position: int = 0


# Nobody can say now whether a request may pass. Compared by identity.
UNKNOWN_QUOTA = Verdict(0, 0, 0.0, 1.0)


class Limiter(Protocol):
    """Counts by key against several limits: all must have quota left, and a refused request uses none.

    One that shares with others may have to wait for them; what is known here is told at once.
    """

    def ask(self, key: str, now: float) -> Verdict | Awaitable[Verdict]:
        """Use one of every limit of a key at once. `now` is monotonic seconds."""


# What two slots of a key hold: when the window ends and what is used, or (sliding) until when it is ahead and parts.
Slots = list[Any]


class Windows(Keyed[Slots]):
    """Windows in memory: fixed ones are opened by their first request, those of a calendar end by the wall clock.

    `like` hands over what was counted under other maxima; it has the same fields.
    """

    __slots__ = ("_limits", "_slides", "_wall", "fields")

    def __init__(
        self,
        limits: tuple[Limit, ...],
        key_limit: int = Keyed.KEY_LIMIT,
        *,
        wall: Clock = time,
        like: Windows | None = None,
    ) -> None:
        super().__init__(key_limit)
        self._limits = tuple((limit.maximum, limit.period, limit.rate, limit.calendar) for limit in limits)
        self._slides = any(limit.rate is not None for limit in limits)
        self.fields = tuple(limit.field for limit in limits)
        self._wall = wall
        if like is not None:
            # The very same: the revision before may still count for a moment, and one key may come to another limit.
            self._entries = like._entries

    def ask(self, key: str, now: float) -> Verdict:
        """Use one request of every limit of a key, or none when one of them is used up."""
        slots = self._entries.get(key)
        if slots is None:
            slots = self._open(key, now)
        wait = 0.0
        nearest = 2.0
        at = tight = left = 0
        moment = round(now * MICROSECONDS) if self._slides else 0
        for maximum, period, rate, calendar in self._limits:
            if rate is not None:
                # As in `gcra`, and without a call for it: this is looked at for each request.
                ahead, parts = slots[at] - moment, slots[at + 1]
                if ahead < 0:
                    ahead = parts = slots[at + 1] = 0
                    slots[at] = moment
                elif parts >= maximum:
                    parts = slots[at + 1] = 0  # counted under a larger maximum
                span = rate[1]
                remaining = ((span - ahead) * maximum - parts) // span
                if remaining <= 0 and (more := rate.wait(ahead, parts)) > wait:
                    wait = more
            else:
                if slots[at] <= now:
                    slots[at] = now + (period if calendar is None else self._until_end(calendar))
                    slots[at + 1] = 0
                remaining = maximum - slots[at + 1]
                if remaining <= 0 and slots[at] - now > wait:
                    wait = slots[at] - now
            share = (remaining - 1) / maximum
            if share < nearest:
                nearest, tight, left = share, at, remaining
            at += 2
        if not wait:
            self._use(slots)
            left -= 1
        maximum, _, rate, _ = self._limits[tight // 2]
        reset = slots[tight] - now if rate is None else slots[tight] / MICROSECONDS - now
        if wait:
            self._close_unused(slots)
        return Verdict(maximum, left if left > 0 else 0, reset, wait, tight // 2)

    def _use(self, slots: Slots) -> None:
        at = 1
        for _, _, rate, _ in self._limits:
            if rate is None:
                slots[at] += 1
            else:
                slots[at - 1], slots[at] = rate.after(slots[at - 1], slots[at])
            at += 2

    def _close_unused(self, slots: Slots) -> None:
        """Close again the windows that a refused request has found ended: the first that passes opens them."""
        at = 0
        for _, _, rate, _ in self._limits:
            if rate is None and not slots[at + 1]:
                slots[at] = 0
            at += 2

    def _until_end(self, calendar: Calendar) -> float:
        wall = self._wall()
        return calendar.ends(wall)[1] / 1000 - wall

    def _make(self, key: str) -> Slots:
        return [0, 0] * len(self._limits)

    def _ended(self, entry: Slots, now: float) -> bool:
        return all(
            end <= now if limit[2] is None else end <= now * MICROSECONDS
            for end, limit in zip(entry[::2], self._limits, strict=True)
        )
