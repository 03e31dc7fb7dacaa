"""Time ranges of charts: what the address says, what is queried, how wide a point is."""

import datetime
from dataclasses import dataclass

from django.utils import timezone


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start` (inclusive) to `end` (exclusive), drawn in points of `step`."""

    key: str
    title: str
    start: datetime.datetime
    end: datetime.datetime
    step: datetime.timedelta

    def points(self) -> list[datetime.datetime]:
        """Return the beginning of every point."""
        count = int((self.end - self.start) / self.step)
        return [self.start + self.step * number for number in range(count)]


# key: title, minutes, minutes per point; at most about 100 points are drawn.
QUICK_RANGES = {
    "15m": ("Last 15 minutes", 15, 1),
    "1h": ("Last hour", 60, 1),
    "6h": ("Last 6 hours", 360, 5),
    "24h": ("Last 24 hours", 1440, 15),
}
DEFAULT_RANGE = "1h"


def quick_range(key: str, now: datetime.datetime | None = None) -> TimeRange:
    """Return a quick range that ends with the running minute; an unknown key gives the default one."""
    key = key if key in QUICK_RANGES else DEFAULT_RANGE
    title, minutes, step_minutes = QUICK_RANGES[key]
    step = datetime.timedelta(minutes=step_minutes)
    current = (now or timezone.now()).replace(second=0, microsecond=0)
    # Points begin at round times, so that a chart does not shift from one minute to the next.
    current -= datetime.timedelta(minutes=current.minute % step_minutes if step_minutes < 60 else 0)
    end = current + step
    return TimeRange(key, title, end - datetime.timedelta(minutes=minutes), end, step)
