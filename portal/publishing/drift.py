"""Who runs what: every replica of some gateways with its revision, and which of them are behind."""

import datetime
import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from gateway_runtime.schema import keys, replica
from portal.core.redis import connection
from portal.gateways.models import Gateway, Replica
from portal.publishing.models import Revision
from portal.publishing.reports import read_reports


class DriftState(enum.StrEnum):
    """How a replica stands to the newest revision of its gateway."""

    IN_SYNC = "in_sync"
    BEHIND = "out_of_sync"
    REJECTED = "rejected"
    DISCONNECTED = "disconnected"

    @property
    def label(self) -> str:
        """Return it as people read it."""
        return {
            "in_sync": "Newest",
            "out_of_sync": "Behind",
            "rejected": "Refused the newest",
            "disconnected": "Not connected",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningReplica:
    """One replica. `candidate` is the revision that is tried out on it, which gets `share` percent of its requests."""

    replica_id: str
    host: str
    revision: int
    behind: int
    state: DriftState
    since: datetime.datetime | None
    seen_at: datetime.datetime
    candidate: int = 0
    share: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDrift:
    """One gateway: its newest revision, and its replicas, those behind first."""

    gateway: Gateway
    newest: int
    replicas: tuple[RunningReplica, ...]

    @property
    def behind(self) -> int:
        """Return how many connected replicas do not run the newest revision."""
        return sum(each.state in (DriftState.BEHIND, DriftState.REJECTED) for each in self.replicas)

    @property
    def by_revision(self) -> list[tuple[int, int]]:
        """Return how many connected replicas run which revision, the newest first."""
        counts: dict[int, int] = {}
        for each in self.replicas:
            if each.state is not DriftState.DISCONNECTED:
                counts[each.revision] = counts.get(each.revision, 0) + 1
        return sorted(counts.items(), reverse=True)


def gateways_drift(gateways: Any, now: datetime.datetime | None = None) -> list[GatewayDrift]:
    """Return who runs what on some gateways (a queryset the caller may see): live, else as last stored."""
    now = now or timezone.now()
    newest = Revision.objects.filter(gateway=OuterRef("pk")).order_by("-number").values("number")[:1]
    rows = list(gateways.annotate(newest_revision=Subquery(newest)).order_by("name", "pk"))
    found = _live(rows)
    return [
        GatewayDrift(
            gateway=gateway,
            newest=gateway.newest_revision or 0,
            replicas=tuple(
                sorted(
                    (_running(status, gateway.newest_revision or 0, now) for status in found[gateway.pk]),
                    key=lambda each: (each.state is DriftState.DISCONNECTED, -each.behind, each.host, each.replica_id),
                )
            ),
        )
        for gateway in rows
    ]


def _live(gateways: Iterable[Gateway]) -> dict[Any, list[replica.ReplicaStatus]]:
    try:
        with connection().pipeline(transaction=False) as pipe:
            for gateway in gateways:
                pipe.hvals(keys.replicas(str(gateway.pk)))
            answers = pipe.execute()
    except redis.RedisError:
        return _stored(gateways)
    return {
        gateway.pk: read_reports(values, replica.ReplicaStatus)
        for gateway, values in zip(gateways, answers, strict=True)
    }


def _stored(gateways: Iterable[Gateway]) -> dict[Any, list[replica.ReplicaStatus]]:
    found: dict[Any, list[replica.ReplicaStatus]] = {gateway.pk: [] for gateway in gateways}
    for row in Replica.objects.filter(gateway__in=found):
        status = replica.ReplicaStatus(
            replica=row.replica_id,
            host=row.host,
            pid=row.pid,
            version=row.version,
            workers=row.workers,
            started_at=row.started_at.timestamp(),
            seen_at=row.seen_at.timestamp(),
            revision=row.revision,
            state=replica.ApplyState(row.state),
            error_code=row.error_code,
            message=row.message,
            stopping=row.stopping,
        )
        found[row.gateway_id].append(status)
    return found


def _running(status: replica.ReplicaStatus, newest: int, now: datetime.datetime) -> RunningReplica:
    silent = now.timestamp() - status.seen_at > replica.DISCONNECTED_AFTER_SECONDS
    behind = max(0, newest - status.revision)
    if silent or status.stopping:
        state = DriftState.DISCONNECTED
    elif status.state is replica.ApplyState.REJECTED:
        state = DriftState.REJECTED
    else:
        state = DriftState.BEHIND if behind else DriftState.IN_SYNC
    return RunningReplica(
        replica_id=status.replica,
        host=status.host,
        revision=status.revision,
        behind=behind,
        state=state,
        since=_time(status.applied_at) if status.applied_at else None,
        seen_at=_time(status.seen_at),
        candidate=status.candidate,
        share=100 * status.candidate_share,
        reason=status.message,
    )


def _time(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
