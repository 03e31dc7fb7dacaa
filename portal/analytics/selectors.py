"""Figures of traffic: what a chart, a tile or a REST answer shows. All start from rows the caller may see."""

import datetime
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from django.db.models import Sum

from gateway_runtime.schema.histogram import quantile
from portal.analytics.figures import Figures
from portal.analytics.models import ReplicaTally, Span, TrafficMinute, TrafficSummary
from portal.analytics.ranges import TimeRange
from portal.analytics.shadows import ShadowFigures, shadow_figures
from portal.analytics.summaries import span_start
from portal.apis.models import ApiInstance
from portal.contracts.models import ClientApplication
from portal.core.permissions import scope_of
from portal.core.rows import raw_rows, time_of
from portal.gateways.models import Gateway, Replica
from portal.organizations.models import Environment

# How many applications and routes are named.
TOP = 10
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
    routes: list[tuple[str, int]]
    shadow: ShadowFigures

    @property
    def refused(self) -> int:
        """Requests that policies refused."""
        return sum(row.requests for row in self.refusals)


def environment_traffic(*, user: Any, environment: Environment, time_range: TimeRange) -> Traffic:
    """Return the figures of everything in an environment that `user` may see, in a time range."""
    return _traffic(_summed(_summaries(user, environment.pk, ""), time_range), time_range)


def instance_traffic(*, user: Any, instance: ApiInstance, time_range: TimeRange) -> Traffic:
    """Return the figures of one API instance that `user` may see, in a time range."""
    if time_range.span != Span.MINUTE:
        return _traffic(_summed(_summaries(user, instance.environment_id, str(instance.pk)), time_range), time_range)
    rows = TrafficMinute.objects.visible_to(user, "traffic.view").filter(instance=str(instance.pk))
    return _traffic(_counted(rows, time_range), time_range)


_Points = dict[datetime.datetime, Figures]


def _summaries(user: Any, environment_id: Any, instance: str) -> Any:
    visible = TrafficSummary.objects.visible_to(user, "traffic.view")
    return visible.filter(environment_id=environment_id, instance=instance)


def _summed(summaries: Any, time_range: TimeRange) -> _Points:
    points: _Points = defaultdict(Figures)
    there = summaries.filter(span=time_range.span, start__gte=time_range.start, start__lt=time_range.end)
    for start, figures in raw_rows(there.values_list("start", "figures")):
        points[time_range.point_of(time_of(start))].read(msgspec.json.decode(figures))
    return points


class _Minute(NamedTuple):
    """What figures need of a row, in the order of its columns."""

    minute: Any
    route: str
    application: str
    status: int
    policy: str
    code: str
    requests: int
    bytes_in: int
    bytes_out: int
    shadowed: int
    latency: Any
    upstream_latency: Any


def _counted(rows: Any, time_range: TimeRange) -> _Points:
    points: _Points = defaultdict(Figures)
    there = rows.filter(minute__gte=time_range.start, minute__lt=time_range.end)
    for raw in raw_rows(there.values_list(*_Minute._fields)):
        row = _Minute._make(raw)
        points[time_range.point_of(time_of(row.minute))].add(
            row._replace(
                latency=msgspec.json.decode(row.latency), upstream_latency=msgspec.json.decode(row.upstream_latency)
            )
        )
    return points


def _traffic(found: _Points, time_range: TimeRange) -> Traffic:
    everything = Figures()
    for figures in found.values():
        everything.merge(figures)
    return Traffic(
        range=time_range,
        points=[_point(time, found.get(time)) for time in time_range.points()],
        requests=everything.requests,
        errors=sum(count for status, count in everything.statuses.items() if status >= 500),
        bytes_out=everything.bytes_out,
        p50=_milliseconds(everything.latency, 0.5),
        p95=_milliseconds(everything.latency, 0.95),
        p99=_milliseconds(everything.latency, 0.99),
        upstream_p50=_milliseconds(everything.upstream_latency, 0.5),
        statuses=sorted(everything.statuses.items()),
        refusals=[Refusals(*labels, requests=count) for labels, count in everything.refusals.most_common()],
        applications=everything.applications.most_common(TOP),
        routes=everything.routes.most_common(TOP),
        shadow=shadow_figures(everything),
    )


def _point(time: datetime.datetime, figures: Figures | None) -> Point:
    if figures is None:
        return Point(time)
    point = Point(time, refused=figures.refusals.total())
    for status, count in figures.statuses.items():
        point.classes[f"{status // 100}xx"] += count
    point.p50, point.p95, point.p99 = (_milliseconds(figures.latency, q) for q in (0.5, 0.95, 0.99))
    return point


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
    quarters = TrafficSummary.objects.filter(environment_id=environment.pk, span=Span.QUARTER)
    begin = span_start(start.replace(second=0, microsecond=0), Span.QUARTER)
    counted = quarters.filter(start__gte=begin, start__lt=end, instance__in=instances).values("instance")
    return dict(counted.annotate(calls=Sum("requests")).values_list("instance", "calls"))


def requests_served(*, environment: Any) -> bool:
    """Tell whether a gateway of an environment has answered a request, stored or not."""
    return (
        traffic_seen(environment=environment)
        or Replica.objects.filter(gateway__environment=environment, served__gt=0).exists()
    )


def traffic_seen(*, environment: Any) -> bool:
    """Tell whether any traffic of an environment is stored."""
    return TrafficSummary.objects.filter(environment_id=environment.pk).exists()
