"""Keeping summaries beside the minutes they are made of."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator

from portal.analytics.figures import Figures
from portal.analytics.models import Span, TrafficMinute, TrafficSummary

# Rows in one statement.
BATCH = 500

_QUARTER = datetime.timedelta(minutes=15)
# environment, instance, span, start
_Key = tuple[uuid.UUID, str, str, datetime.datetime]


def span_start(time: datetime.datetime, span: str) -> datetime.datetime:
    """Return when the span of a kind begins that a minute (in UTC) is in."""
    if span == Span.DAY:
        return time.replace(hour=0, minute=0)
    return time - time_in_quarter(time) if span == Span.QUARTER else time


def time_in_quarter(time: datetime.datetime) -> datetime.timedelta:
    """Return how long ago the quarter of an hour began that a time is in."""
    return (time - time.replace(minute=0)) % _QUARTER


def summaries_add(rows: Iterable[TrafficMinute]) -> None:
    """Add rows, each with what is new in it, to the summaries of their times. Inside the caller's transaction."""
    new: dict[_Key, Figures] = defaultdict(Figures)
    organizations: dict[uuid.UUID, uuid.UUID] = {}
    for row in rows:
        organizations[row.environment_id] = row.organization_id
        for key in _keys(row):
            new[key].add(row)
    if new:
        _store(new, organizations)


def _keys(row: TrafficMinute) -> Iterator[_Key]:
    minute = row.minute.astimezone(datetime.UTC).replace(second=0, microsecond=0)
    yield row.environment_id, "", Span.MINUTE, minute
    for span in (Span.QUARTER, Span.DAY):
        start = span_start(minute, span)
        yield row.environment_id, "", span, start
        if row.instance:
            yield row.environment_id, row.instance, span, start


def _store(new: dict[_Key, Figures], organizations: dict[uuid.UUID, uuid.UUID]) -> None:
    there = TrafficSummary.objects.filter(
        environment_id__in=organizations,
        instance__in={instance for _, instance, _, _ in new},
        start__in={start for _, _, _, start in new},
    )
    for summary in there.iterator():
        key = (summary.environment_id, summary.instance, summary.span, summary.start.astimezone(datetime.UTC))
        if key in new:
            new[key].read(summary.figures)
    TrafficSummary.objects.bulk_create(
        [
            TrafficSummary(
                environment_id=environment, organization_id=organizations[environment], instance=instance, span=span,
                start=start, requests=figures.requests, figures=figures.written(),
            )
            for (environment, instance, span, start), figures in new.items()
        ],
        update_conflicts=True,
        unique_fields=["environment_id", "instance", "span", "start"],
        update_fields=["requests", "figures"],
        batch_size=BATCH,
    )  # fmt: skip
