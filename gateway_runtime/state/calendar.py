"""Days, weeks, months and years as people mean them: they begin at midnight in a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from gateway_runtime.schema.calendar_period import CalendarPeriod

# How long one is, give or take: where nobody needs to know it better.
USUAL_SECONDS = {
    CalendarPeriod.DAY: 86_400,
    CalendarPeriod.WEEK: 604_800,
    CalendarPeriod.MONTH: 2_629_746,
    CalendarPeriod.YEAR: 31_556_952,
}

# The ends of the period before, of this one and of the next one: milliseconds since 1970.
Ends = tuple[int, int, int]


class Calendar:
    """The periods of one kind in one time zone."""

    __slots__ = ("_ends", "_zone", "period")

    def __init__(self, period: CalendarPeriod, zone: str) -> None:
        self.period = period
        self._zone = zone_of(zone)
        self._ends: Ends = (0, 0, 0)

    def ends(self, now: float) -> Ends:
        """Return the ends around `now`, seconds since 1970: who has another clock finds his period among them."""
        ms = now * 1000
        first, second, _ = self._ends
        if not first <= ms < second:
            begin = self._begin(datetime.fromtimestamp(now, self._zone))
            end = self._next(begin)
            self._ends = (_milliseconds(begin), _milliseconds(end), _milliseconds(self._next(end)))
        return self._ends

    def _begin(self, moment: datetime) -> datetime:
        day = datetime(moment.year, moment.month, moment.day, tzinfo=self._zone)
        if self.period is CalendarPeriod.WEEK:
            return day - timedelta(days=day.weekday())
        if self.period is CalendarPeriod.MONTH:
            return day.replace(day=1)
        return day.replace(month=1, day=1) if self.period is CalendarPeriod.YEAR else day

    def _next(self, begin: datetime) -> datetime:
        # Days are added to the date, not to the time, so a day in which clocks change has 23 or 25 hours.
        if self.period is CalendarPeriod.MONTH:
            return begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
        if self.period is CalendarPeriod.YEAR:
            return begin.replace(year=begin.year + 1)
        return begin + timedelta(days=7 if self.period is CalendarPeriod.WEEK else 1)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


def zone_of(name: str) -> tzinfo:
    """Return the time zone of this name, such as `Europe/Berlin`. Raises `ValueError` where there is none."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"There is no time zone “{name}”: write one such as UTC or Europe/Berlin") from None
