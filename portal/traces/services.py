"""Taking over what gateways tell of single requests, and asking them to tell of more."""

import datetime
import logging
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import redis
from django.db import transaction
from django.utils import timezone

from gateway_runtime.schema import keys, trace, trace_token
from portal.apis.models import ApiInstance
from portal.apis.selectors import instance_curl
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway
from portal.traces.models import Trace, TraceKind, TraceLoss

log = logging.getLogger(__name__)

BATCHES_AT_ONCE = 50
# What is kept of one gateway, and for how long: traces are for finding out, not for counting.
KEPT = {TraceKind.REQUESTED: 2_000, TraceKind.SAMPLED: 5_000, TraceKind.REFUSAL: 10_000}
KEPT_HOURS = 24
DEFAULT_MINUTES = 5
MOST_MINUTES = trace_token.LONGEST_SECONDS // 60

_read_batch = msgspec.msgpack.Decoder(trace.TraceBatch).decode
_read_trace = msgspec.msgpack.Decoder(trace.Trace).decode


def traces_ingest(*, client: "redis.Redis") -> int:
    """Store the next batches of all gateways' trace streams. Return how many entries were taken over.

    A trace that is read again is the same row, so entries are removed only after they are stored.
    """
    gateways = [str(pk) for pk in Gateway.objects.values_list("pk", flat=True)]
    with client.pipeline(transaction=False) as pipe:
        for gateway in gateways:
            pipe.xrange(keys.traces(gateway), "-", "+", count=max(1, BATCHES_AT_ONCE // len(gateways)))
        found: Any = [(each, entries) for each, entries in zip(gateways, pipe.execute(), strict=True) if entries]
    if not found:
        return 0
    read = [_batch(entry, fields, gateway) for gateway, entries in found for entry, fields in entries]
    with transaction.atomic():
        _store([batch for batch in read if batch is not None])
    with client.pipeline(transaction=False) as pipe:
        for gateway, entries in found:
            pipe.xdel(keys.traces(gateway), *(entry for entry, _ in entries))
        pipe.execute()
    return len(read)


def _batch(entry: bytes, fields: dict[bytes, bytes], gateway: str) -> trace.TraceBatch | None:
    """Read one entry of a gateway's stream."""
    try:
        batch = _read_batch(fields[trace.TRACES_FIELD.encode()])
        if uuid.UUID(batch.gateway) != uuid.UUID(gateway):
            raise ValueError("it speaks for another gateway")
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        log.warning("Trace entry %s of gateway %s was passed over: %s", entry.decode(), gateway, error)
        return None
    return batch


def _store(batches: Iterable[trace.TraceBatch]) -> None:
    batches = list(batches)
    places = {
        gateway.pk: (gateway.environment.organization_id, gateway.environment_id)
        for gateway in Gateway.objects.select_related("environment").filter(pk__in={b.gateway for b in batches})
    }
    rows: list[Trace] = []
    now = timezone.now()
    for batch in batches:
        gateway = uuid.UUID(batch.gateway)
        if gateway not in places:  # deleted since: nobody could see them
            continue
        for raw in batch.traces:
            try:
                rows.append(_row(_read_trace(raw), batch, gateway, *places[gateway]))
            except (msgspec.MsgspecError, OverflowError, OSError, ValueError) as error:
                log.warning("A trace of replica %s was passed over: %s", batch.replica, error)
        TraceLoss.objects.update_or_create(
            gateway_id=gateway,
            replica_id=batch.replica[:64],
            started_at=batch.started_at,
            defaults={"dropped": batch.dropped, "seen_at": now},
        )
    Trace.objects.bulk_create(rows, batch_size=200, ignore_conflicts=True)


def _row(found: trace.Trace, batch: trace.TraceBatch, gateway: Any, organization: Any, environment: Any) -> Trace:
    refusing = [step.policy for step in found.steps if step.outcome == trace.Outcome.WOULD_REFUSE]
    detail: dict[str, Any] = {}
    if found.kind is not trace.Kind.REFUSAL:
        detail = msgspec.to_builtins(
            {
                "steps": [msgspec.structs.asdict(step) for step in found.steps],
                "attempts": [msgspec.structs.asdict(attempt) for attempt in found.attempts],
                "query": found.query,
                "upstream_path": found.upstream_path,
                "grant": found.grant,
            }
        )
    return Trace(
        id=found.id[:40],
        organization_id=organization,
        environment_id=environment,
        gateway_id=gateway,
        replica_id=batch.replica[:64],
        kind=found.kind.value,
        request_id=found.request_id[:64],
        at=datetime.datetime.fromtimestamp(found.at, datetime.UTC),
        revision=found.revision,
        instance=found.api[:36],
        route_name=found.route_name[:200],
        application=found.application[:64],
        application_name=found.application_name[:200],
        method=found.method[:20],
        host=found.host[:260],
        path=found.path[:600],
        client=found.client[:64],
        status=found.status,
        policy=found.policy[:80],
        code=found.code[:80],
        would_refuse=f" {' '.join(sorted(set(refusing)))} "[:400] if refusing else "",
        duration_us=found.duration_us,
        detail=detail,
    )


def traces_expire(*, now: datetime.datetime | None = None) -> int:
    """Remove what is old, and of each gateway what is more than is kept. Return how many rows went."""
    now = now or timezone.now()
    oldest = now - datetime.timedelta(hours=KEPT_HOURS)
    removed, _ = Trace.objects.filter(at__lt=oldest).delete()
    TraceLoss.objects.filter(seen_at__lt=oldest).delete()
    for gateway in Trace.objects.order_by().values_list("gateway_id", flat=True).distinct():
        for kind, kept in KEPT.items():
            rows = Trace.objects.filter(gateway_id=gateway, kind=kind).order_by("-at")
            last = rows.values_list("at", flat=True)[kept : kept + 1].first()
            if last is not None:
                removed += rows.filter(at__lte=last).delete()[0]
    return removed


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeToken:
    """A token that is shown this one time, with a command that uses it."""

    id: str
    token: str
    expires_at: datetime.datetime
    curl: str


@transaction.atomic
def trace_token_create(*, actor: Any, instance: ApiInstance, minutes: int = DEFAULT_MINUTES) -> MadeToken:
    """Let requests to one API be traced for a few minutes. Nothing of it is stored: it ends by itself."""
    if not 1 <= minutes <= MOST_MINUTES:
        sentence = f"Trace for 1 to {MOST_MINUTES} minutes."
        raise ApplicationError("trace_minutes", sentence, fields={"minutes": sentence})
    until = timezone.now().replace(microsecond=0) + datetime.timedelta(minutes=minutes)
    grant = trace_token.TraceGrant(
        id=secrets.token_hex(8),
        gateway=str(instance.gateway_id),
        api=str(instance.pk),
        until=int(until.timestamp()),
    )
    token = trace_token.trace_token(grant, instance.gateway.signing_key)
    audit_record(
        actor=actor,
        action="trace_token.create",
        target=instance,
        after={"id": grant.id, "minutes": minutes, "until": until.isoformat()},
    )
    curl = f"{instance_curl(instance)} -H '{trace_token.HEADER}: {token}'"
    return MadeToken(id=grant.id, token=token, expires_at=until, curl=curl)
