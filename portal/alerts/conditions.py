"""What an alert about traffic compares: figures of minutes, added up over its window."""

import datetime
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway_runtime.schema.histogram import bounds, quantile
from portal.alerts.models import AlertKind, AlertRule, Comparison, Measure
from portal.analytics.figures import Figures

MINUTE = datetime.timedelta(minutes=1)
_QUANTILES = {Measure.P50: 0.5, Measure.P95: 0.95, Measure.P99: 0.99}
Minutes = Mapping[datetime.datetime, Figures]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a window of traffic came to. `value` is None where there is nothing to compare."""

    value: float | None
    holds: bool


def minute_of(time: datetime.datetime) -> datetime.datetime:
    """Return when the minute began that a time is in, in UTC."""
    return time.astimezone(datetime.UTC).replace(second=0, microsecond=0)


def status_matches(status: int, patterns: Iterable[str]) -> bool:
    """Tell whether a status is one of such as "429" and "5xx"."""
    return any(pattern in (str(status), f"{status // 100}xx") for pattern in patterns)


def counts_of(rule: AlertRule, figures: Figures) -> Counter[int]:
    """Return what of a minute counts: latencies by bucket, or the number of requests under the key 0."""
    if rule.kind == AlertKind.RESPONSE_TIME:
        return figures.latency
    if rule.kind == AlertKind.STATUSES:
        return Counter(
            {0: sum(count for status, count in figures.statuses.items() if status_matches(status, rule.statuses))}
        )
    if rule.kind == AlertKind.VIOLATIONS:
        return Counter({0: sum(count for (name, _, _), count in figures.refusals.items() if rule.policy in ("", name))})
    return Counter({0: figures.requests})


def measured(rule: AlertRule, counts: Counter[int]) -> Measured:
    """Compare what was added up over a window."""
    if rule.kind == AlertKind.RESPONSE_TIME:
        value = _response_time(counts, rule.measure)
        return Measured(value, value is not None and value > rule.threshold)
    count = counts.total()
    if rule.kind == AlertKind.REQUESTS and rule.comparison == Comparison.BELOW:
        return Measured(count, count < rule.threshold)
    return Measured(count, count > rule.threshold)


def window_measured(rule: AlertRule, minutes: Minutes, end: datetime.datetime) -> Measured:
    """Compare the window whose last minute begins at `end`."""
    counts: Counter[int] = Counter()
    for ago in range(rule.window_minutes):
        figures = minutes.get(end - ago * MINUTE)
        if figures is not None:
            counts.update(counts_of(rule, figures))
    return measured(rule, counts)


def times_met(rule: AlertRule, minutes: Minutes, first: datetime.datetime, last: datetime.datetime) -> int:
    """Return how often the alert would have been told between two minutes, by windows that end in each of them."""
    window: deque[Counter[int]] = deque()
    total: Counter[int] = Counter()
    told, met, quiet_until = 0, False, first
    minute = first - (rule.window_minutes - 1) * MINUTE
    while minute <= last:
        counts = counts_of(rule, minutes[minute]) if minute in minutes else Counter[int]()
        window.append(counts)
        total.update(counts)
        if len(window) > rule.window_minutes:
            total.subtract(window.popleft())
        if minute >= first:
            was, met = met, measured(rule, +total).holds
            if met and not was and minute >= quiet_until:
                told += 1
                quiet_until = minute + rule.cooldown_minutes * MINUTE
        minute += MINUTE
    return told


def _response_time(latency: Mapping[int, int], measure: str) -> float | None:
    if measure != Measure.MEAN:
        micros = quantile(latency, _QUANTILES[Measure(measure)])
        return None if micros is None else micros / 1000
    total = sum(latency.values())
    if not total:
        return None
    # The middle of a bucket, which is at most 6.25 % wide.
    return sum(sum(bounds(index)) / 2 * count for index, count in latency.items()) / total / 1000
