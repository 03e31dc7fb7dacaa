"""Taking over what gateways counted: each batch exactly once, whatever dies in between."""

import datetime
import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import redis
from django.db import transaction

from gateway_runtime.schema import keys
from gateway_runtime.schema.telemetry import BATCH_FIELD, Batch, TrafficRow
from portal.analytics.models import IngestCursor, ReplicaTally, TrafficMinute
from portal.gateways.models import Gateway
from portal.publishing.rollout_traffic import rollout_traffic_count

log = logging.getLogger(__name__)

BATCHES_AT_ONCE = 500

_decoder = msgspec.msgpack.Decoder(Batch)


@dataclass(slots=True)
class _Sum:
    """Everything counted for one combination of labels in one minute."""

    requests: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    shadowed: int = 0
    latency: dict[str, int] = field(default_factory=dict)
    upstream_latency: dict[str, int] = field(default_factory=dict)

    def add(self, row: TrafficRow) -> None:
        self.requests += row.requests
        self.bytes_in += row.bytes_in
        self.bytes_out += row.bytes_out
        self.shadowed += row.shadowed
        _merge(self.latency, row.latency)
        _merge(self.upstream_latency, row.upstream_latency)


# minute, gateway, instance, route, application, status, policy, code
_Labels = tuple[datetime.datetime, uuid.UUID, str, str, str, int, str, str]


def traffic_ingest(*, client: "redis.Redis") -> int:
    """Store the next batches of the telemetry stream. Return how many entries were taken over.

    The cursor moves in the same transaction as the rows, so a batch that is read again changes nothing. Stored
    entries are then trimmed; losing that step costs memory until the next run, never figures.
    """
    with transaction.atomic():
        cursor, _ = IngestCursor.objects.select_for_update().get_or_create(stream=keys.TELEMETRY_STREAM)
        entries: Any = client.xrange(keys.TELEMETRY_STREAM, f"({cursor.entry}", "+", count=BATCHES_AT_ONCE)
        if not entries:
            return 0
        _store([batch for entry, fields in entries if (batch := _batch(entry, fields)) is not None])
        cursor.entry = entries[-1][0].decode()
        cursor.save()
    client.xtrim(keys.TELEMETRY_STREAM, minid=cursor.entry)
    return len(entries)


def _batch(entry: bytes, fields: dict[bytes, bytes]) -> Batch | None:
    """Read one entry. What is not a batch is passed over, so that it does not hold up all that follow."""
    try:
        batch = _decoder.decode(fields[BATCH_FIELD.encode()])
        uuid.UUID(batch.gateway)
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        log.warning("Telemetry entry %s was passed over: %s", entry.decode(), error)
        return None
    return batch


def _store(batches: Iterable[Batch]) -> None:
    places = {
        gateway.pk: (gateway.environment.organization_id, gateway.environment_id)
        for gateway in Gateway.objects.select_related("environment").filter(pk__in={b.gateway for b in batches})
    }
    sums: dict[_Labels, _Sum] = defaultdict(_Sum)
    known: list[Batch] = []
    for batch in batches:
        gateway = uuid.UUID(batch.gateway)
        if gateway not in places:  # deleted since: nobody could see its figures
            continue
        known.append(batch)
        for row in batch.rows:
            sums[_labels(gateway, row)].add(row)
    _upsert(sums, places)
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


def _upsert(sums: dict[_Labels, _Sum], places: dict[uuid.UUID, tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Add sums to the rows of their labels, making those that are missing."""
    rows = {
        (r.minute, r.gateway_id, r.instance, r.route, r.application, r.status, r.policy, r.code): r
        for r in TrafficMinute.objects.filter(
            minute__in={labels[0] for labels in sums}, gateway_id__in={labels[1] for labels in sums}
        )
    }
    changed, new = [], []
    for labels, added in sums.items():
        row = rows.get(labels)
        if row is None:
            minute, gateway, instance, route, application, status, policy, code = labels
            organization, environment = places[gateway]
            row = TrafficMinute(
                minute=minute, organization_id=organization, environment_id=environment, gateway_id=gateway,
                instance=instance, route=route, application=application, status=status, policy=policy, code=code,
            )  # fmt: skip
            new.append(row)
        else:
            changed.append(row)
        row.requests += added.requests
        row.bytes_in += added.bytes_in
        row.bytes_out += added.bytes_out
        row.shadowed += added.shadowed
        _merge(row.latency, added.latency)
        _merge(row.upstream_latency, added.upstream_latency)
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
