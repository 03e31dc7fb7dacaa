"""A finished span on its way from a worker to the supervisor, which exports it."""

import msgspec

# Kinds, as OTLP numbers them.
SERVER, CLIENT = 2, 3


class SpanData(msgspec.Struct, array_like=True):
    """One finished span. Times are nanoseconds since the epoch; `error` is the code or status of a failed one."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    state: str
    kind: int
    name: str
    start: int
    end: int
    attributes: list[tuple[str, str | int]]
    error: str = ""
