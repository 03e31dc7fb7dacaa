"""The stored traffic that an alert is about, by minute."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from portal.alerts.conditions import Minutes
from portal.analytics.figures import Figures
from portal.analytics.models import Span, TrafficMinute, TrafficSummary
from portal.core.rows import raw_rows, time_of

# How ids of instances are written where traffic is kept.
InstanceIds = frozenset[str]


class TrafficRead:
    """Reads minutes of traffic once, however many alerts ask for them."""

    def __init__(self) -> None:
        self._known: dict[Any, Minutes] = {}

    def minutes(
        self, environment_id: Any, instances: InstanceIds, first: datetime.datetime, last: datetime.datetime
    ) -> Minutes:
        """Return the figures of each minute from `first` to `last` of these instances; of none: of everything."""
        key = (environment_id, instances, first, last)
        if key not in self._known:
            read = _of_instances if instances else _of_environment
            self._known[key] = read(environment_id, instances, first, last)
        return self._known[key]


def _of_environment(
    environment_id: Any, instances: InstanceIds, first: datetime.datetime, last: datetime.datetime
) -> Minutes:
    # Everything of an environment is summed up by minute as it comes in.
    rows = TrafficSummary.objects.filter(
        environment_id=environment_id, instance="", span=Span.MINUTE, start__gte=first, start__lte=last
    ).values_list("start", "figures")
    found: dict[datetime.datetime, Figures] = defaultdict(Figures)
    for start, figures in raw_rows(rows):
        found[time_of(start)].read(msgspec.json.decode(figures))
    return dict(found)


def _of_instances(
    environment_id: Any, instances: InstanceIds, first: datetime.datetime, last: datetime.datetime
) -> Minutes:
    # Named, not walked through by its environment: the index is that of an instance with its minutes.
    rows: Iterable[TrafficMinute] = TrafficMinute.objects.filter(
        environment_id=environment_id, instance__in=instances, minute__gte=first, minute__lte=last
    ).iterator(chunk_size=2000)
    found: dict[datetime.datetime, Figures] = defaultdict(Figures)
    for row in rows:
        found[row.minute.astimezone(datetime.UTC)].add(row)
    return dict(found)
