"""How much and how long: the limits of a gateway and of one API, and whose word about a caller counts."""

from typing import Annotated

from gateway_runtime.schema.part import Part
from gateway_runtime.schema.policy import setting

_SECONDS = {"gt": 0, "le": 86_400}
_BODY = {"ge": 0, "le": 1 << 50}
_BUFFERED = {"ge": 1024, "le": 1 << 30}
FORWARDED_HEADERS = ("x-forwarded-for", "forwarded")


class Limits(Part, frozen=True):
    """What one gateway takes, with the documented defaults. Sizes in bytes, times in seconds.

    `connections` are those of one worker, `connections_per_address` those of one caller at one worker; 0 for any
    number. `buffered_body_bytes` is how much of a body may be kept where a policy looks at all of it.
    """

    header_bytes: int = 60 * 1024
    url_bytes: int = 8 * 1024
    header_seconds: float = 30.0
    body_seconds: float = 60.0
    keep_alive_seconds: float = 75.0
    connect_seconds: float = 5.0
    buffered_body_bytes: int = 1024 * 1024
    connections: int = 20_000
    connections_per_address: int = 0


class ApiLimits(Part, frozen=True):
    """What is different for one API. None: as the gateway has it; without `body_bytes` a body may have any size."""

    response_seconds: Annotated[
        float | None,
        setting("Answer of the service", "Seconds until it begins; empty as the gateway has it.", bounds=_SECONDS),
    ] = None
    stream_idle_seconds: Annotated[
        float | None,
        setting("Silence", "Seconds without a byte in either direction; empty as the gateway has it.", bounds=_SECONDS),
    ] = None
    body_bytes: Annotated[
        int | None,
        setting("Size of a body", "Bytes of a request’s body at most; empty for any size.", bounds=_BODY),
    ] = None
    buffered_body_bytes: Annotated[
        int | None,
        setting(
            "Body that is kept",
            "Bytes that may be kept where a policy looks at the whole body; empty as the gateway has it.",
            bounds=_BUFFERED,
        ),
    ] = None


class TrustedProxies(Part, frozen=True):
    """Networks whose requests say for whom they ask, and in which `header` they say it.

    The other header is dropped as from anybody: a proxy that does not write it passes on what a client has made up.
    With `send_forwarded` services get a `Forwarded` header (RFC 7239) beside the usual ones.
    """

    networks: list[str] = []
    header: str = FORWARDED_HEADERS[0]
    send_forwarded: bool = False
