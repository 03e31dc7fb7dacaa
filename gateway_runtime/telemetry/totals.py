"""Everything this gateway has counted since it started, for `/metrics`: sums of all workers by label."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway_runtime.schema.telemetry import TrafficRow

# Series kept at most. Labels are ids and reason codes of the configuration, so this is reached only by its growth.
SERIES_LIMIT = 20_000


class Labels(NamedTuple):
    """What is told apart in metrics."""

    api: str
    route: str
    status: int
    policy: str
    code: str


@dataclass(slots=True)
class Sums:
    """The sums of one combination of labels."""

    requests: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    latency: dict[int, int] = field(default_factory=dict)
    upstream_latency: dict[int, int] = field(default_factory=dict)
    shadowed: int = 0


class Totals:
    """Sums by labels. `folded` counts requests that went into no series of their own.

    `handshakes` counts those of TLS, `turned_away` the connections that were not let in.
    """

    def __init__(self, limit: int = SERIES_LIMIT) -> None:
        self.series: dict[Labels, Sums] = {}
        self.folded = 0
        self.handshakes: Counter[str] = Counter()
        self.turned_away: Counter[str] = Counter()
        self._limit = limit

    def rows(self) -> list[TrafficRow]:
        """Return the sums in the form in which `add` takes them."""
        return [
            TrafficRow(
                0, labels.api, labels.route, "", labels.status, labels.policy, labels.code,
                sums.requests, sums.bytes_in, sums.bytes_out, sums.latency, sums.upstream_latency,
                sums.shadowed,
            )
            for labels, sums in self.series.items()
        ]  # fmt: skip

    def add(self, rows: list[TrafficRow]) -> None:
        """Add what a worker counted."""
        for row in rows:
            labels = Labels(row.api, row.route, row.status, row.policy, row.code)
            sums = self.series.get(labels)
            if sums is None:
                if len(self.series) >= self._limit:
                    self.folded += row.requests
                    continue
                sums = self.series[labels] = Sums()
            sums.requests += row.requests
            sums.bytes_in += row.bytes_in
            sums.bytes_out += row.bytes_out
            sums.shadowed += row.shadowed
            merge(sums.latency, row.latency)
            merge(sums.upstream_latency, row.upstream_latency)


def merge(into: dict[int, int], counts: dict[int, int]) -> None:
    """Add one histogram to another."""
    for index, count in counts.items():
        into[index] = into.get(index, 0) + count
