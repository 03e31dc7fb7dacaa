"""Figures of traffic: what a chart, a tile or a REST answer shows. All start from rows the caller may see."""

import datetime
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Sum

from gateway_runtime.schema.histogram import quantile
from portal.analytics.models import ReplicaTally, TrafficMinute
from portal.analytics.ranges import TimeRange
from portal.analytics.shadows import ShadowFigures
from portal.contracts.models import ClientApplication
from portal.core.permissions import scope_of
from portal.gateways.models import Gateway, Replica

CLASSES = ("2xx", "3xx", "4xx", "5xx")

# Databases may keep fewer digits of a time than the gateway sent.
SAME_RUN_SECONDS = 0.01


@dataclass(slots=True)
class Point:
    """One point of a chart. Latencies are in milliseconds, None where nothing was served."""

    time: datetime.datetime
    classes: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None

    @property
    def requests(self) -> int:
        """All requests of this point."""
        return self.classes.total()

    @property
    def class_counts(self) -> list[int]:
        """Requests of each status class, in the order of `CLASSES`."""
        return [self.classes[name] for name in CLASSES]


@dataclass(frozen=True, slots=True)
class Refusals:
    """Requests that a policy answered instead of the upstream, for one reason."""

    policy: str
    code: str
    status: int
    requests: int


@dataclass(slots=True)
class Traffic:
    """Everything one dashboard shows for one time range."""

    range: TimeRange
    points: list[Point]
    requests: int
    errors: int
    bytes_out: int
    p50: float | None
    p95: float | None
    p99: float | None
    upstream_p50: float | None
    statuses: list[tuple[int, int]]
    refusals: list[Refusals]
    applications: list[tuple[str, int]]
    shadow: ShadowFigures | None = None

    @property
    def refused(self) -> int:
        """Requests that policies refused."""
        return sum(row.requests for row in self.refusals)


def traffic_between(*, rows: Any, time_range: TimeRange) -> Traffic:
    """Return the figures of `rows` (a queryset of `TrafficMinute` the caller may see) in a time range."""
    points = {time: Point(time) for time in time_range.points()}
    histograms: dict[datetime.datetime, Counter[int]] = defaultdict(Counter)
    upstream: Counter[int] = Counter()
    statuses: Counter[int] = Counter()
    refusals: Counter[tuple[str, str, int]] = Counter()
    applications: Counter[str] = Counter()
    bytes_out = 0
    served = rows.filter(minute__gte=time_range.start, minute__lt=time_range.end, requests__gt=0)
    for row in served.iterator():
        time = time_range.start + ((row.minute - time_range.start) // time_range.step) * time_range.step
        point = points[time]
        point.classes[f"{row.status // 100}xx"] += row.requests
        statuses[row.status] += row.requests
        applications[row.application] += row.requests
        bytes_out += row.bytes_out
        if row.policy:
            point.refused += row.requests
            refusals[row.policy, row.code, row.status] += row.requests
        histograms[time].update({int(bucket): count for bucket, count in row.latency.items()})
        upstream.update({int(bucket): count for bucket, count in row.upstream_latency.items()})
    everything: Counter[int] = Counter()
    for time, histogram in histograms.items():
        everything.update(histogram)
        points[time].p50, points[time].p95, points[time].p99 = (_milliseconds(histogram, q) for q in (0.5, 0.95, 0.99))
    applications.pop("", None)
    return Traffic(
        range=time_range,
        points=list(points.values()),
        requests=statuses.total(),
        errors=sum(count for status, count in statuses.items() if status >= 500),
        bytes_out=bytes_out,
        p50=_milliseconds(everything, 0.5),
        p95=_milliseconds(everything, 0.95),
        p99=_milliseconds(everything, 0.99),
        upstream_p50=_milliseconds(upstream, 0.5),
        statuses=sorted(statuses.items()),
        refusals=[Refusals(*labels, requests=count) for labels, count in refusals.most_common()],
        applications=applications.most_common(10),
    )


def _milliseconds(histogram: Counter[int], q: float) -> float | None:
    micros = quantile(histogram, q)
    return None if micros is None else micros / 1000


@dataclass(frozen=True, slots=True)
class Accounting:
    """Where requests went after they were served: `served = stored + waiting + lost`.

    `waiting` are counted by a running replica and not stored yet. `lost` were dropped by a full spool, or died with a
    replica before it could send them.
    """

    served: int = 0
    stored: int = 0
    waiting: int = 0
    lost: int = 0


def traffic_accounting(*, gateways: Any) -> Accounting:
    """Return where the requests of some gateways (a queryset the caller may see) are."""
    live: dict[tuple[Any, str], tuple[float, int]] = {
        (gateway, replica): (started_at.timestamp(), served)
        for gateway, replica, started_at, served in Replica.objects.filter(gateway__in=gateways).values_list(
            "gateway_id", "replica_id", "started_at", "served"
        )
    }
    total = Accounting()
    for tally in ReplicaTally.objects.filter(gateway_id__in=gateways.values("pk")):
        started_at, reported = live.get((tally.gateway_id, tally.replica_id), (None, 0))
        running = started_at is not None and abs(started_at - tally.started_at) < SAME_RUN_SECONDS
        served = max(tally.served, reported) if running else tally.served
        missing = max(0, served - tally.stored - tally.dropped)
        total = Accounting(
            served=total.served + served,
            stored=total.stored + tally.stored,
            waiting=total.waiting + (missing if running else 0),
            lost=total.lost + tally.dropped + (0 if running else missing),
        )
    return total


def application_names(*, environment: Any, ids: list[str]) -> dict[str, str]:
    """Return the names of client applications that have a contract in an environment, by id."""
    found = ClientApplication.objects.filter(contracts__instance__environment=environment, pk__in=ids)
    return {str(pk): name for pk, name in found.values_list("pk", "name")}


def calls_counted(
    *, user: Any, gateway: Gateway, instances: Collection[str], start: datetime.datetime, end: datetime.datetime
) -> dict[str, int] | None:
    """Return the calls of API instances of a gateway between two times; None where `user` may not see its traffic."""
    environment = gateway.environment
    if not scope_of(user, "traffic.view").covers(environment.organization_id, environment.pk):
        return None
    rows = TrafficMinute.objects.filter(gateway_id=gateway.pk, minute__gte=start, minute__lt=end)
    counted = rows.filter(instance__in=instances).values("instance").annotate(calls=Sum("requests"))
    return dict(counted.values_list("instance", "calls"))


def requests_served(*, environment: Any) -> bool:
    """Tell whether a gateway of an environment has answered a request, stored or not."""
    return (
        traffic_seen(environment=environment)
        or Replica.objects.filter(gateway__environment=environment, served__gt=0).exists()
    )


def traffic_seen(*, environment: Any) -> bool:
    """Tell whether any traffic of an environment is stored."""
    return TrafficMinute.objects.filter(environment_id=environment.pk).exists()
