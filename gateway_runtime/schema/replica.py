"""What a running gateway tells the portal about itself."""

import enum

import msgspec

HEARTBEAT_SECONDS = 2.0
# Three missed heartbeats and a little: a replica not heard of for this long is shown as disconnected.
DISCONNECTED_AFTER_SECONDS = 8.0
ACKNOWLEDGEMENT_TTL_SECONDS = 24 * 3600
# The code of an answer that tells that what is tried out could not be compiled. All others have what they had.
CANDIDATE_REFUSED = "candidate_refused"
# A clock that is off by more is told of: tokens and signatures begin to be refused.
CLOCK_SKEW_SECONDS = 1.0


class ApplyState(enum.StrEnum):
    """How a replica took a revision."""

    WAITING = "waiting"
    APPLIED = "applied"
    REJECTED = "rejected"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy of an API has to say of something that it needs or watches: a sentence, and whether it is good.

    `since` is when it began to be like that, in seconds since the epoch.
    """

    api: str
    binding: str
    policy: str
    good: bool
    text: str
    since: float


class TargetHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What a replica thinks of a target: `healthy`, `unhealthy` or `ejected`. `service` is its id, `target` host:port.

    Only targets are told of whose health matters: those that are checked, or beside others.
    """

    service: str
    target: str
    state: str


class ReplicaStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One replica's heartbeat. Times are seconds since the epoch by the replica's own clock.

    `candidate` is the revision that is tried out on it, 0 for none, and gets `candidate_share` of its requests.
    `applied_at` is since when it runs its revision.
    `clock_skew_seconds` is how far that is ahead of the clock of Redis, None before it is known.
    `certificate_expires_at` is when the first certificate of its listeners expires, 0 without any.
    """

    replica: str
    host: str
    pid: int
    version: str
    workers: int
    started_at: float
    seen_at: float
    revision: int = 0
    digest: str = ""
    applied_at: float = 0.0
    candidate: int = 0
    candidate_share: float = 0.0
    state: ApplyState = ApplyState.WAITING
    error_code: str = ""
    error_path: str = ""
    message: str = ""
    stopping: bool = False
    served: int = 0
    exported: int = 0
    waiting: int = 0
    dropped: int = 0
    notices: list[Notice] = []
    targets: list[TargetHealth] = []
    # The number of the registration that it was started with.
    registration: int = 0
    clock_skew_seconds: float | None = None
    certificate_expires_at: float = 0.0

    @property
    def heard_at(self) -> float:
        """Return when it was heard of by the clock of Redis: one that is wrong must not make a replica seem away."""
        return self.seen_at - (self.clock_skew_seconds or 0.0)


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """A replica's answer to one revision: taken by all its workers, or refused with the reason.

    `took_ms` runs from the revision's arrival to the swap in the last worker.
    """

    replica: str
    revision: int
    digest: str
    state: ApplyState
    applied_at: float
    took_ms: float
    error_code: str = ""
    error_path: str = ""
    message: str = ""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `registration.yaml`: a gateway's identity and credentials. The file is mode 0600.

    A renewal makes registrations of the next `number`. What was sealed before it opens with the previous keys.
    """

    gateway: str
    name: str
    redis_url: str
    verify_key: str
    encrypt_key: str
    number: int = 0
    previous_encrypt_keys: list[str] = []
