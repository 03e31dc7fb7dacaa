"""How much and how long: the limits of one gateway, with their defaults."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes in bytes, times in seconds. Times are checked by one coarse timer (`timeouts.SWEEP_SECONDS`)."""

    header_bytes: int = 60 * 1024
    target_bytes: int = 8 * 1024
    # An unread body up to this size is read and thrown away to keep the connection; a larger one ends it.
    drain_bytes: int = 64 * 1024
    # How much of a body a policy may ask to see at once.
    buffered_body_bytes: int = 1024 * 1024
    # Of one worker, and of one address at one worker; 0 for any number.
    connections: int = 20_000
    connections_per_address: int = 0
    header_seconds: float = 30.0
    body_seconds: float = 60.0
    keep_alive_seconds: float = 75.0
    stream_seconds: float = 300.0
    linger_seconds: float = 2.0
    connect_seconds: float = 5.0
    response_seconds: float = 15.0
    upstream_idle_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiLimits:
    """What one API has of its own. None: as the gateway has it, and bodies of any size."""

    response_seconds: float | None = None
    stream_seconds: float | None = None
    body_bytes: int | None = None
    buffered_body_bytes: int | None = None
