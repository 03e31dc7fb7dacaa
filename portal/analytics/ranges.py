"""Time ranges of charts: what the address says, what is queried, how wide a point is."""

import datetime
from dataclasses import dataclass

from django.utils import timezone

from portal.analytics.models import Span


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start` (inclusive) to `end` (exclusive), drawn in points of `step`, read from summaries of `span`."""

    key: str
    title: str
    start: datetime.datetime
    end: datetime.datetime
    step: datetime.timedelta
    span: str = Span.MINUTE

    def points(self) -> list[datetime.datetime]:
        """Return the beginning of every point."""
        count = int((self.end - self.start) / self.step)
        return [self.start + self.step * number for number in range(count)]

    def point_of(self, time: datetime.datetime) -> datetime.datetime:
        """Return the beginning of the point that a time of the range is in."""
        return self.start + ((time - self.start) // self.step) * self.step


_DAY = 24 * 60
# key: title, minutes, minutes per point, what is read; at most about 100 points are drawn.
QUICK_RANGES = {
    "15m": ("Last 15 minutes", 15, 1, Span.MINUTE),
    "1h": ("Last hour", 60, 1, Span.MINUTE),
    "6h": ("Last 6 hours", 360, 5, Span.MINUTE),
    "24h": ("Last 24 hours", _DAY, 15, Span.QUARTER),
    "7d": ("Last 7 days", 7 * _DAY, 120, Span.QUARTER),
    "30d": ("Last 30 days", 30 * _DAY, _DAY, Span.DAY),
    "90d": ("Last 90 days", 90 * _DAY, _DAY, Span.DAY),
}
DEFAULT_RANGE = "1h"


def quick_range(key: str, now: datetime.datetime | None = None) -> TimeRange:
    """Return a quick range that ends with the running point; an unknown key gives the default one."""
    key = key if key in QUICK_RANGES else DEFAULT_RANGE
    title, minutes, step_minutes, span = QUICK_RANGES[key]
    step = datetime.timedelta(minutes=step_minutes)
    # Points begin at round times of UTC, so that a chart does not shift from one minute to the next.
    current = (now or timezone.now()).astimezone(datetime.UTC).replace(second=0, microsecond=0)
    current -= (current - current.replace(hour=0, minute=0)) % step
    end = current + step
    return TimeRange(key, title, end - datetime.timedelta(minutes=minutes), end, step, span)
