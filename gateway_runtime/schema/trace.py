"""What a gateway tells of single requests: why one was refused, and every step of those that are traced."""

import enum

import msgspec

# The Redis stream holds at most about this many batches, and one batch so many traces and bytes, or one larger trace:
# where nobody reads the stream, Redis still has room for what else it is for.
TRACE_STREAM_LENGTH = 2_000
BATCH_TRACES = 200
BATCH_BYTES = 64 * 1024
TRACES_FIELD = "traces"


class Kind(enum.StrEnum):
    """Why a request is told of."""

    REQUESTED = "requested"  # it brought a token that the console has made
    SAMPLED = "sampled"  # by chance
    REFUSAL = "refusal"  # it was refused: how it ended, without its steps


class Outcome(enum.StrEnum):
    """What one policy said."""

    CONTINUED = "continued"
    REFUSED = "refused"
    ANSWERED = "answered"  # the policy itself has the answer, and it is no refusal
    WOULD_REFUSE = "would_refuse"  # in shadow mode: the request goes on
    NOT_BOUND = "not_bound"  # the conditions of its binding do not hold for this request
    NEEDS_BODY = "needs_body"  # its verdict depends on the body
    NEEDS_IO = "needs_io"  # its verdict depends on somebody else, whom a decision without I/O does not ask
    FAILED = "failed"  # it raised an error: the request is never let past


# What stands for a secret value.
MASK = "••••••"
# Names and values, with what is secret masked.
Masked = list[tuple[str, str]]


class Step(msgspec.Struct, array_like=True):
    """One policy in the walk. `at_us` counts from when the request was read.

    `saw` are the headers as the policy found them, of the request or of the answer; None where they are those of the
    step before.
    """

    policy: str
    phase: str
    outcome: str
    code: str
    at_us: int
    took_us: int
    saw: Masked | None = None


class Attempt(msgspec.Struct, array_like=True):
    """One time that a service was asked. `status` is 0 where it has not answered; `code` says why then.

    `took_us` ends with the head of its answer.
    """

    target: str
    at_us: int
    took_us: int = 0
    status: int = 0
    code: str = ""


class Trace(msgspec.Struct, kw_only=True):
    """One request. `id` is unique, `at` in seconds since the epoch, `grant` the id of the token that asked for it.

    A refusal has no steps, attempts, headers and query. `upstream_path` is what the service was asked for.
    """

    id: str
    kind: Kind
    request_id: str
    at: float
    revision: int
    status: int
    duration_us: int
    api: str = ""
    route: str = ""
    route_name: str = ""
    application: str = ""
    application_name: str = ""
    method: str = ""
    host: str = ""
    path: str = ""
    policy: str = ""
    code: str = ""
    grant: str = ""
    client: str = ""
    query: Masked = []
    upstream_path: str = ""
    steps: list[Step] = []
    attempts: list[Attempt] = []


class TraceBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Traces that one replica sends at once. `dropped` is how many it gave up since it started, at `started_at`."""

    gateway: str
    replica: str
    started_at: float
    dropped: int
    traces: list[msgspec.Raw]
