"""Counting what both revisions of a rollout answered. Called in the transaction that stores the traffic."""

import datetime
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway_runtime.schema.telemetry import Batch, TrafficRow
from portal.publishing.models import Rollout, RolloutState, RolloutTraffic

SECONDS = 10


@dataclass(slots=True)
class _Sum:
    requests: int = 0
    errors: int = 0
    refused: int = 0
    latency: dict[str, int] = field(default_factory=dict)

    def add(self, row: TrafficRow) -> None:
        self.requests += row.requests
        if row.status >= 500:
            self.errors += row.requests
        elif row.policy:
            self.refused += row.requests
        for bucket, count in row.latency.items():
            self.latency[str(bucket)] = self.latency.get(str(bucket), 0) + count


def rollout_traffic_count(batches: Iterable[Batch]) -> None:
    """Add the requests of these batches to the open rollouts that they belong to."""
    batches = list(batches)
    gateways = {uuid.UUID(batch.gateway) for batch in batches}
    rollouts = Rollout.objects.filter(state=RolloutState.OPEN, gateway__in=gateways).select_related("stable")
    for rollout in rollouts:
        sums: dict[tuple[datetime.datetime, int], _Sum] = {}
        instances, begun = frozenset(rollout.instances), rollout.created_at.timestamp()
        for batch in batches:
            if uuid.UUID(batch.gateway) != rollout.gateway_id:
                continue
            for row in batch.rows:
                # Of a rollout before this one, a candidate may answer for a moment still.
                late = 0 < row.revision <= rollout.stable.number
                if row.api in instances and row.second >= begun - 1 and not late and row.requests:
                    moment = datetime.datetime.fromtimestamp(row.second - row.second % SECONDS, datetime.UTC)
                    sums.setdefault((moment, row.revision), _Sum()).add(row)
        _store(rollout, sums)


def _store(rollout: Rollout, sums: dict[tuple[datetime.datetime, int], _Sum]) -> None:
    if not sums:
        return
    moments = {moment for moment, _ in sums}
    known = {(row.moment, row.revision): row for row in rollout.traffic.filter(moment__in=moments)}
    for (moment, revision), added in sums.items():
        row = known.get((moment, revision)) or RolloutTraffic(rollout=rollout, moment=moment, revision=revision)
        row.requests += added.requests
        row.errors += added.errors
        row.refused += added.refused
        for bucket, count in added.latency.items():
            row.latency[bucket] = row.latency.get(bucket, 0) + count
        row.save()
