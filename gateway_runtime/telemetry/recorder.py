"""Counting requests in a worker: one dictionary look-up and a few additions for each."""

from __future__ import annotations

from collections.abc import Callable
from time import time

from gateway_runtime.schema.histogram import bucket
from gateway_runtime.schema.telemetry import TrafficRow

# Rows that may wait between two flushes. Past this, a request with new labels is counted as dropped.
ROW_LIMIT = 20_000

# The buckets of the durations that nearly all requests have: looking one up takes a third of the time of finding it.
_BUCKETS = [bucket(micros) for micros in range(1 << 14)]
_BUCKETS_END = len(_BUCKETS)


# Between an API and the revision that is tried out, so that its requests have rows of their own at no cost for others.
CANDIDATE = "\n"


def candidate_label(api: str, revision: int) -> str:
    """Return what the requests of an API are counted as while a candidate answers them."""
    return f"{api}{CANDIDATE}{revision}"


class Recorder:
    """Rows of one second and one combination of labels, until `take` hands them over.

    `served` and `dropped` are totals since the worker started, so that served = taken + waiting + dropped.
    """

    __slots__ = ("_clock", "_limit", "_past", "_rows", "_second", "_second_end", "dropped", "served")

    def __init__(self, clock: Callable[[], float] = time, limit: int = ROW_LIMIT) -> None:
        self._clock = clock
        self._limit = limit
        # Rows of the running second by their other labels, and those of the seconds before it.
        self._rows: dict[tuple[str, str, str, int, str, str], TrafficRow] = {}
        self._past: list[TrafficRow] = []
        self._second = self._second_end = 0
        self.served = 0
        self.dropped = 0

    def record(
        self,
        api_id: str,
        route_id: str,
        application: str,
        status: int,
        policy: str,
        code: str,
        bytes_in: int,
        bytes_out: int,
        latency_us: int,
        upstream_us: int,
    ) -> None:
        """Count one finished request. `upstream_us` is negative when no upstream was asked."""
        self.served += 1
        # Both ends are looked at, because this clock can be set back.
        if not self._second <= self._clock() < self._second_end:
            self._begin_second()
        key = (api_id, route_id, application, status, policy, code)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) + len(self._past) >= self._limit:
                self.dropped += 1
                return
            row = self._rows[key] = TrafficRow(self._second, *key, 0, 0, 0, {}, {})
        row.requests += 1
        row.bytes_in += bytes_in
        row.bytes_out += bytes_out
        index = _BUCKETS[latency_us] if 0 <= latency_us < _BUCKETS_END else bucket(latency_us)
        latency = row.latency
        latency[index] = latency.get(index, 0) + 1
        if upstream_us >= 0:
            index = _BUCKETS[upstream_us] if upstream_us < _BUCKETS_END else bucket(upstream_us)
            latency = row.upstream_latency
            latency[index] = latency.get(index, 0) + 1

    def shadow(self, api_id: str, application: str, policy: str, code: str, status: int) -> None:
        """Count what a policy in shadow mode would have done. The request itself is counted by `record`."""
        if not self._second <= self._clock() < self._second_end:
            self._begin_second()
        key = (api_id, "", application, status, policy, code)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) + len(self._past) >= self._limit:
                return
            row = self._rows[key] = TrafficRow(self._second, *key, 0, 0, 0, {}, {})
        row.shadowed += 1

    def _begin_second(self) -> None:
        self._second = int(self._clock())
        self._second_end = self._second + 1
        self._past += self._rows.values()
        self._rows = {}

    def take(self) -> list[TrafficRow]:
        """Return the rows counted since the last call and begin anew."""
        rows = [*self._past, *self._rows.values()]
        self._past = []
        self._rows = {}
        for row in rows:
            if CANDIDATE in row.api:
                row.api, _, number = row.api.partition(CANDIDATE)
                row.revision = int(number)
        return rows
