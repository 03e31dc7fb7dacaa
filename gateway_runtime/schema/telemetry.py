"""What the gateway counts: one row per second and combination of labels, never one per request."""

import msgspec

# The Redis stream holds at most about this many batches; the portal shows what was trimmed as lost.
STREAM_LENGTH = 100_000
BATCH_FIELD = "batch"


class TrafficRow(msgspec.Struct, array_like=True):
    """Requests of one second that share all labels.

    `second` is seconds since the epoch, `route` and `application` are ids ("" for none), `policy` and `code` name the
    refusing policy and its reason ("" when the upstream answered), histograms are as in `schema.histogram`. `shadowed`
    counts what a policy in shadow mode would have ended with these labels; such requests have rows of their own, too.
    `revision` is that of the candidate that answered, 0 where it was what all others get.
    """

    second: int
    api: str
    route: str
    application: str
    status: int
    policy: str
    code: str
    requests: int
    bytes_in: int
    bytes_out: int
    latency: dict[int, int]
    upstream_latency: dict[int, int]
    shadowed: int = 0
    revision: int = 0


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Rows one replica sends at once. `served` and `dropped` are totals since it started, at `started_at`."""

    gateway: str
    replica: str
    started_at: float
    sent_at: float
    served: int
    dropped: int
    rows: list[TrafficRow]
