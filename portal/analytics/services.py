"""Taking over what gateways counted: each batch exactly once, whatever dies in between."""

import datetime
import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable

import msgspec
import redis
from django.db import transaction

from gateway_runtime.schema import keys
from gateway_runtime.schema.telemetry import BATCH_FIELD, Batch, TrafficRow
from portal.analytics.models import IngestCursor, ReplicaTally, TrafficMinute
from portal.analytics.summaries import summaries_add
from portal.gateways.models import Gateway
from portal.publishing.rollout_traffic import rollout_traffic_count

log = logging.getLogger(__name__)

BATCHES_AT_ONCE = 500

_decoder = msgspec.msgpack.Decoder(Batch)


# minute, gateway, instance, route, application, status, policy, code
_Labels = tuple[datetime.datetime, uuid.UUID, str, str, str, int, str, str]


def traffic_ingest(*, client: "redis.Redis") -> int:
    """Store the next batches of all gateways' telemetry streams. Return how many entries were taken over.

    The cursors move in the same transaction as the rows, so a batch that is read again changes nothing. Stored
    entries are then trimmed; losing that step costs memory until the next run, never figures.
    """
    gateways = {keys.telemetry(str(pk)): str(pk) for pk in Gateway.objects.values_list("pk", flat=True)}
    with transaction.atomic():
        cursors = _cursors(gateways)
        with client.pipeline(transaction=False) as pipe:
            for cursor in cursors:
                pipe.xrange(cursor.stream, f"({cursor.entry}", "+", count=max(1, BATCHES_AT_ONCE // len(cursors)))
            found = [(cursor, entries) for cursor, entries in zip(cursors, pipe.execute(), strict=True) if entries]
        _store(
            [
                batch
                for cursor, entries in found
                for entry, fields in entries
                if (batch := _batch(entry, fields, gateways[cursor.stream])) is not None
            ]
        )
        for cursor, entries in found:
            cursor.entry = entries[-1][0].decode()
        IngestCursor.objects.bulk_update([cursor for cursor, _ in found], ["entry"])
    with client.pipeline(transaction=False) as pipe:
        for cursor, _ in found:
            pipe.xtrim(cursor.stream, minid=cursor.entry)
        pipe.execute()
    return sum(len(entries) for _, entries in found)


def _cursors(streams: Iterable[str]) -> list[IngestCursor]:
    """Return a cursor for each stream, and keep everybody else from moving them."""
    known = set(IngestCursor.objects.values_list("stream", flat=True))
    missing = [IngestCursor(stream=stream) for stream in streams if stream not in known]
    IngestCursor.objects.bulk_create(missing, ignore_conflicts=True)
    return list(IngestCursor.objects.select_for_update().filter(stream__in=streams).order_by("stream"))


def _batch(entry: bytes, fields: dict[bytes, bytes], gateway: str) -> Batch | None:
    """Read one entry of a gateway's stream. What is not a batch of it is passed over and holds up nothing."""
    try:
        batch = _decoder.decode(fields[BATCH_FIELD.encode()])
        if uuid.UUID(batch.gateway) != uuid.UUID(gateway):
            raise ValueError("it speaks for another gateway")
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        log.warning("Telemetry entry %s of gateway %s was passed over: %s", entry.decode(), gateway, error)
        return None
    return batch


def _store(batches: Iterable[Batch]) -> None:
    places = {
        gateway.pk: (gateway.environment.organization_id, gateway.environment_id)
        for gateway in Gateway.objects.select_related("environment").filter(pk__in={b.gateway for b in batches})
    }
    added: dict[_Labels, TrafficMinute] = {}
    known: list[Batch] = []
    for batch in batches:
        gateway = uuid.UUID(batch.gateway)
        if gateway not in places:  # deleted since: nobody could see its figures
            continue
        known.append(batch)
        for row in batch.rows:
            labels = _labels(gateway, row)
            if labels not in added:
                added[labels] = _minute(labels, places[gateway])
            _add(added[labels], row)
    _upsert(added)
    summaries_add(added.values())
    rollout_traffic_count(known)
    _tally(known)


def _tally(batches: Iterable[Batch]) -> None:
    """Note per replica run what it counted and what of it is now stored."""
    runs: dict[tuple[str, str, float], list[Batch]] = defaultdict(list)
    for batch in batches:
        runs[batch.gateway, batch.replica, batch.started_at].append(batch)
    for (gateway, replica, started_at), sent in runs.items():
        tally, _ = ReplicaTally.objects.get_or_create(gateway_id=gateway, replica_id=replica, started_at=started_at)
        tally.served = max(tally.served, *(batch.served for batch in sent))
        tally.dropped = max(tally.dropped, *(batch.dropped for batch in sent))
        tally.stored += sum(row.requests for batch in sent for row in batch.rows)
        tally.save()


def _labels(gateway: uuid.UUID, row: TrafficRow) -> _Labels:
    minute = datetime.datetime.fromtimestamp(row.second - row.second % 60, datetime.UTC)
    return minute, gateway, row.api, row.route, row.application, row.status, row.policy, row.code


def _minute(labels: _Labels, place: tuple[uuid.UUID, uuid.UUID]) -> TrafficMinute:
    minute, gateway, instance, route, application, status, policy, code = labels
    organization, environment = place
    return TrafficMinute(
        minute=minute, organization_id=organization, environment_id=environment, gateway_id=gateway,
        instance=instance, route=route, application=application, status=status, policy=policy, code=code,
    )  # fmt: skip


def _add(into: TrafficMinute, row: "TrafficRow | TrafficMinute") -> None:
    into.requests += row.requests
    into.bytes_in += row.bytes_in
    into.bytes_out += row.bytes_out
    into.shadowed += row.shadowed
    _merge(into.latency, row.latency)
    _merge(into.upstream_latency, row.upstream_latency)


def _upsert(added: dict[_Labels, TrafficMinute]) -> None:
    """Store what was added: to the rows of the same labels, or as new ones."""
    rows = {
        (r.minute, r.gateway_id, r.instance, r.route, r.application, r.status, r.policy, r.code): r
        for r in TrafficMinute.objects.filter(
            minute__in={labels[0] for labels in added}, gateway_id__in={labels[1] for labels in added}
        )
    }
    changed, new = [], []
    for labels, more in added.items():
        row = rows.get(labels)
        if row is None:
            new.append(more)
        else:
            _add(row, more)
            changed.append(row)
    TrafficMinute.objects.bulk_create(new, batch_size=200)
    TrafficMinute.objects.bulk_update(
        changed,
        ["requests", "bytes_in", "bytes_out", "shadowed", "latency", "upstream_latency"],
        batch_size=200,
    )


def _merge(into: dict[str, int], counts: dict[int, int] | dict[str, int]) -> None:
    """Add one histogram to another. Bucket numbers are text, as JSON keys are."""
    for bucket, count in counts.items():
        key = str(bucket)
        into[key] = into.get(key, 0) + count
