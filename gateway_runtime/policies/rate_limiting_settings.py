"""What the policies that count share: how limits are written, and what is counted where."""

import enum
from typing import Annotated

import msgspec

from gateway_runtime.schema.calendar_period import CalendarPeriod
from gateway_runtime.schema.policy import PolicyConfig, setting
from gateway_runtime.state.limits import Limit, strictest

LONGEST_MILLISECONDS = 31_622_400_000
# Smaller limits and shorter windows are counted exactly where they are shared: a part of them is not worth leasing, and
# so few requests are quickly asked about.
LEASED_REQUESTS = 100
LEASED_SECONDS = 1.0


class Algorithm(enum.StrEnum):
    """How requests are counted in a span of time."""

    FIXED_WINDOW = "fixed-window"
    SLIDING_WINDOW = "sliding-window"


class RateLimit(PolicyConfig, frozen=True):
    """So many requests in so much time, or in each period of the calendar."""

    maximum_requests: Annotated[
        int, setting("Maximum requests", "How many requests pass in one window.", ge=1, le=1_000_000_000)
    ]
    time_period_in_milliseconds: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=LONGEST_MILLISECONDS)] | None,
        setting(
            "Time period in milliseconds",
            "How long a window lasts, up to 366 days. Leave it empty for a quota by the calendar.",
        ),
    ] = None
    calendar_period: Annotated[
        CalendarPeriod | None,
        setting("Calendar period", "Instead of a time: a quota for each day, week, month or year in the time zone."),
    ] = None

    def __post_init__(self) -> None:
        if (self.time_period_in_milliseconds is None) is (self.calendar_period is None):
            raise ValueError("A limit needs a time period in milliseconds or a calendar period, not both")


ALGORITHM = setting(
    "Algorithm",
    "Fixed window: what is used comes back when the window ends. Sliding window: it comes back one by one, evenly.",
)
TIME_ZONE = setting(
    "Time zone",
    "Where the days, weeks, months and years of a quota begin, for example Europe/Berlin.",
    min_length=1,
    max_length=60,
)
EXPOSE_HEADERS = setting("Expose headers", "Tell callers their limit, what is left and when it begins anew.")
EXPOSE_STANDARD_HEADERS = setting(
    "Expose RateLimit headers", "Tell callers the same in the headers RateLimit and RateLimit-Policy of the IETF."
)
CLUSTERIZABLE = setting("Share between replicas", "All replicas of the gateway count together in the shared storage.")
EXACT = setting(
    "Count exactly",
    "Ask the shared storage about each request: exact, in one round trip. Otherwise workers lease parts in advance:"
    " up to 1 % more than the limit pass then.",
)
BLOCK_ON_UNKNOWN_QUOTA = setting(
    "Block on unknown quota",
    "Refuse requests with 503 while the shared storage is away. Otherwise each worker counts by itself then.",
)


def limit_of(
    maximum: int, milliseconds: int | None, calendar: CalendarPeriod | None, algorithm: Algorithm, zone: str
) -> Limit:
    """Return a limit as it is counted."""
    if calendar is not None:
        return Limit.by_calendar(maximum, calendar, zone)
    assert milliseconds is not None
    return Limit(maximum, milliseconds / 1000, sliding=algorithm is Algorithm.SLIDING_WINDOW)


def counted(limits: list[Limit], *, exact: bool) -> tuple[tuple[Limit, ...], bool]:
    """Return the limits that matter, and whether they are asked about one by one where they are shared."""
    kept = strictest(tuple(limits))
    small = any(
        limit.maximum < LEASED_REQUESTS or limit.period < LEASED_SECONDS or limit.rate is not None for limit in kept
    )
    return kept, exact or small
