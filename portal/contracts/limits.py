"""The limits of an SLA tier: checking what was written, and saying it in words."""

from collections.abc import Mapping
from typing import Any

from gateway_runtime.schema.calendar_period import CalendarPeriod
from portal.core.errors import ApplicationError

MAXIMUM_REQUESTS = "maximumRequests"
TIME_PERIOD = "timePeriodInMilliseconds"
CALENDAR_PERIOD = "calendarPeriod"
MOST_LIMITS = 10
MOST_REQUESTS = 1_000_000_000
SHORTEST_PERIOD_MS = 1_000
LONGEST_PERIOD_MS = 366 * 24 * 3_600_000

_SHAPES = ({MAXIMUM_REQUESTS, TIME_PERIOD}, {MAXIMUM_REQUESTS, CALENDAR_PERIOD})
# Longest first; 30 days are called a month in plans.
_UNITS = ((2_592_000_000, "month"), (604_800_000, "week"), (86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"))


def _fault(message: str) -> ApplicationError:
    return ApplicationError("tier_limits_invalid", message, fields={"limits": message})


def _whole_number(limit: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = limit.get(name)
    # True and False are whole numbers to Python, but not to whoever writes a limit.
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _fault(f"{name} must be a whole number from {least} to {most}.")
    return value


def _period(limit: Mapping[str, Any]) -> dict[str, Any]:
    if CALENDAR_PERIOD not in limit:
        return {TIME_PERIOD: _whole_number(limit, TIME_PERIOD, SHORTEST_PERIOD_MS, LONGEST_PERIOD_MS)}
    if limit[CALENDAR_PERIOD] not in list(CalendarPeriod):
        raise _fault(f"{CALENDAR_PERIOD} must be one of {', '.join(CalendarPeriod)}.")
    return {CALENDAR_PERIOD: str(limit[CALENDAR_PERIOD])}


def limits_checked(raw: Any) -> list[dict[str, Any]]:
    """Return the limits as they are stored. Raises `ApplicationError` with a sentence for the field `limits`."""
    if not isinstance(raw, list) or len(raw) > MOST_LIMITS:
        raise _fault(f"Limits are a list of at most {MOST_LIMITS}.")
    checked = []
    for limit in raw:
        if not isinstance(limit, dict) or set(limit) not in _SHAPES:
            raise _fault(f"Each limit has exactly {MAXIMUM_REQUESTS}, and {TIME_PERIOD} or {CALENDAR_PERIOD}.")
        checked.append({
            MAXIMUM_REQUESTS: _whole_number(limit, MAXIMUM_REQUESTS, 1, MOST_REQUESTS),
            **_period(limit),
        })  # fmt: skip
    periods = [limit.get(TIME_PERIOD) or limit[CALENDAR_PERIOD] for limit in checked]
    if len(set(periods)) != len(periods):
        raise _fault("Two limits have the same period. Keep the stricter one.")
    return checked


def _period_in_words(period_ms: int) -> str:
    for length, unit in _UNITS:
        if period_ms % length == 0:
            count = period_ms // length
            return unit if count == 1 else f"{count} {unit}s"
    seconds = period_ms / 1000
    return "second" if seconds == 1 else f"{seconds:g} seconds"


def limit_in_words(limit: Mapping[str, Any]) -> str:
    """Return a limit as people say it: "1,000 requests per minute", "50,000 requests per calendar month"."""
    count = limit[MAXIMUM_REQUESTS]
    calendar = limit.get(CALENDAR_PERIOD)
    period = f"calendar {calendar}" if calendar else _period_in_words(limit[TIME_PERIOD])
    return f"{count:,} request{'' if count == 1 else 's'} per {period}"


# For how long the secret before goes on beside a new one: usually, and at most.
OVERLAP_HOURS = 24
MOST_OVERLAP_HOURS = 7 * 24
