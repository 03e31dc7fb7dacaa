"""Taking over what replicas say in Redis: who runs, and how they took which revision."""

import datetime
import logging
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
import redis
from django.utils import timezone

from gateway_runtime.schema import keys, replica
from portal.core.redis import connection
from portal.gateways.models import Gateway
from portal.gateways.services import REPLICA_KEPT, replica_report, replicas_expire
from portal.publishing.models import Acknowledgement, Revision

log = logging.getLogger(__name__)

# Answers to older revisions no longer change.
RECENT_REVISIONS = 5
_Report = TypeVar("_Report", bound=msgspec.Struct)


def read_reports(values: Iterable[bytes], type_: type[_Report]) -> list[_Report]:
    """Return the readable ones of a hash's values; one bad entry must not hide the others."""
    reports = []
    for value in values:
        try:
            reports.append(msgspec.json.decode(value, type=type_))
        except msgspec.MsgspecError as error:
            log.warning("A gateway's report cannot be read: %s", error)
    return reports


def reports_collect(*, client: "redis.Redis | None" = None, now: datetime.datetime | None = None) -> None:
    """Store replica statuses and acknowledgements of every gateway, and forget replicas that are long gone."""
    now = now or timezone.now()
    client = client or connection()
    gateways = list(Gateway.objects.all())
    revisions = {gateway.pk: _recent(gateway) for gateway in gateways}
    with client.pipeline(transaction=False) as pipe:
        for gateway in gateways:
            pipe.hvals(keys.replicas(str(gateway.pk)))
            for revision in revisions[gateway.pk]:
                pipe.hvals(keys.acknowledgements(str(gateway.pk), revision.number))
        answers = iter(pipe.execute())
    for gateway in gateways:
        statuses = read_reports(next(answers), replica.ReplicaStatus)
        oldest = (now - REPLICA_KEPT).timestamp()
        if gone := [status.replica for status in statuses if status.heard_at < oldest]:
            # Left there, they would be stored again each time.
            client.hdel(keys.replicas(str(gateway.pk)), *gone)
        if recent := [status for status in statuses if status.heard_at >= oldest]:
            replica_report(gateway=gateway, statuses=recent)
        for revision in revisions[gateway.pk]:
            acknowledgements_store(
                revision=revision, acknowledgements=read_reports(next(answers), replica.Acknowledgement)
            )
    replicas_expire(now=now)


def _recent(gateway: Gateway) -> list[Revision]:
    return list(gateway.revisions.defer("envelope").order_by("-number")[:RECENT_REVISIONS])


def acknowledgements_store(*, revision: Revision, acknowledgements: Iterable[replica.Acknowledgement]) -> None:
    """Keep how replicas took a revision; a later answer of the same replica replaces its earlier one."""
    rows = [
        Acknowledgement(
            revision=revision,
            replica_id=report.replica[:64],
            state=report.state.value,
            applied_at=datetime.datetime.fromtimestamp(report.applied_at, datetime.UTC),
            took_ms=report.took_ms,
            error_code=report.error_code[:80],
            error_path=report.error_path[:200],
            message=report.message,
        )
        for report in acknowledgements
    ]
    changing: list[Any] = ["state", "applied_at", "took_ms", "error_code", "error_path", "message", "updated_at"]
    Acknowledgement.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["revision", "replica_id"], update_fields=changing
    )
