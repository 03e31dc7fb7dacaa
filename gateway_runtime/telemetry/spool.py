"""What has been counted and not yet stored: bounded, and exact about what it had to give up."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from gateway_runtime.schema.telemetry import Batch, TrafficRow
from gateway_runtime.telemetry.totals import merge

# Rows of one batch, and bytes of encoded batches that wait at most while Redis is away.
BATCH_ROWS = 5_000
SPOOL_BYTES = 64 * 1024 * 1024

_Key = tuple[int, str, str, str, int, str, str, int]


class Waiting(NamedTuple):
    """An encoded batch. `mark` is unique to this replica: by it a batch is recognised that may have arrived."""

    mark: str
    payload: bytes
    requests: int


class SpoolState(msgspec.Struct, frozen=True, kw_only=True):
    """A spool on its way to the process that carries on. `in_doubt` tells that the first batch may have arrived."""

    started_at: float
    served: int
    exported: int
    dropped: int
    in_doubt: bool
    batches: list[Waiting]


class Spool:
    """Rows of all workers on their way to Redis.

    In requests: served = exported + waiting + dropped, always.
    """

    def __init__(self, gateway: str, replica: str, clock: Callable[[], float], limit: int = SPOOL_BYTES) -> None:
        self._gateway = gateway
        self._replica = replica
        self._clock = clock
        self._limit = limit
        self._rows: dict[_Key, TrafficRow] = {}
        self._batches: deque[Waiting] = deque()
        self._bytes = 0
        self._number = 0
        # With the replica's id this names one run of it, whose totals begin at nothing.
        self.started_at = clock()
        self.served = 0
        self.exported = 0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Return how many requests are counted and not yet stored."""
        return self.served - self.exported - self.dropped

    def add(self, rows: list[TrafficRow], *, dropped: int = 0) -> None:
        """Take rows of a worker, and how many requests it served without being able to count them by label."""
        self.served += dropped
        self.dropped += dropped
        for row in rows:
            self.served += row.requests
            key = (row.second, row.api, row.route, row.application, row.status, row.policy, row.code, row.revision)
            known = self._rows.get(key)
            if known is None:
                self._rows[key] = row
                continue
            known.requests += row.requests
            known.bytes_in += row.bytes_in
            known.bytes_out += row.bytes_out
            known.shadowed += row.shadowed
            merge(known.latency, row.latency)
            merge(known.upstream_latency, row.upstream_latency)

    def pack(self) -> None:
        """Make batches of the rows taken so far. The oldest batches are given up where the bound is passed.

        The very first stays: it may be on its way, and a batch given up must not arrive after all.
        """
        rows = list(self._rows.values())
        self._rows = {}
        for start in range(0, len(rows), BATCH_ROWS):
            self._pack(rows[start : start + BATCH_ROWS])
        while self._bytes > self._limit and len(self._batches) > 1:
            given_up = self._batches[1]
            del self._batches[1]
            self._bytes -= len(given_up.payload)
            self.dropped += given_up.requests

    def _pack(self, rows: list[TrafficRow]) -> None:
        self._number += 1
        now = self._clock()
        batch = Batch(
            gateway=self._gateway,
            replica=self._replica,
            started_at=self.started_at,
            sent_at=now,
            served=self.served,
            dropped=self.dropped,
            rows=rows,
        )
        payload = msgspec.msgpack.encode(batch)
        self._batches.append(Waiting(f"{now!r}/{self._number}", payload, sum(row.requests for row in rows)))
        self._bytes += len(payload)

    def hand_over(self, *, in_doubt: bool) -> SpoolState:
        """Return everything as it stands."""
        self.pack()
        return SpoolState(
            started_at=self.started_at,
            served=self.served,
            exported=self.exported,
            dropped=self.dropped,
            in_doubt=in_doubt,
            batches=list(self._batches),
        )

    def carry_on(self, state: SpoolState) -> None:
        """Become the later part of another spool's run. What was taken here already counts on top."""
        self.started_at = state.started_at
        self.served += state.served
        self.exported += state.exported
        self.dropped += state.dropped
        self._batches.extendleft(reversed(state.batches))
        self._bytes += sum(len(batch.payload) for batch in state.batches)

    def first(self) -> Waiting | None:
        """Return the oldest batch."""
        return self._batches[0] if self._batches else None

    def stored(self, batch: Waiting) -> None:
        """Take note that the oldest batch is in Redis."""
        self._batches.popleft()
        self._bytes -= len(batch.payload)
        self.exported += batch.requests
