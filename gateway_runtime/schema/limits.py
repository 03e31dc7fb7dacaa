"""How much and how long: the limits of a gateway and of one API, and whose word about a caller counts."""

from typing import Annotated

import msgspec

from gateway_runtime.schema.part import Part
from gateway_runtime.schema.policy import setting

MOST_CONNECTIONS = 1 << 20
_SECONDS = {"gt": 0, "le": 86_400}
_BODY = {"ge": 0, "le": 1 << 50}
_BUFFERED = {"ge": 1024, "le": 1 << 30}
FORWARDED_HEADERS = ("x-forwarded-for", "forwarded")


def seconds(title: str, help: str) -> msgspec.Meta:
    """Describe a time that a gateway waits."""
    return setting(title, help, unit="seconds", bounds=_SECONDS)


def sized(title: str, help: str, low: int, high: int) -> msgspec.Meta:
    """Describe a size."""
    return setting(title, help, unit="bytes", bounds={"ge": low, "le": high})


def counted(title: str, help: str) -> msgspec.Meta:
    """Describe how many connections there may be."""
    return setting(title, help, bounds={"ge": 0, "le": MOST_CONNECTIONS})


class Limits(Part, frozen=True):
    """What one gateway takes, with the documented defaults. Sizes in bytes, times in seconds.

    `connections` are those of one worker, `connections_per_address` those of one caller at one worker; 0 for any
    number. `buffered_body_bytes` is how much of a body may be kept where a policy looks at all of it.
    """

    header_bytes: Annotated[
        int, sized("Headers", "All headers of a request together. More is answered with 431.", 1024, 1 << 20)
    ] = 60 * 1024
    url_bytes: Annotated[int, sized("URL", "Path and query of a request. More is answered with 414.", 256, 1 << 19)] = (
        8 * 1024
    )
    header_seconds: Annotated[
        float, seconds("Time for the headers", "From the first byte of a request to the end of its headers.")
    ] = 30.0
    body_seconds: Annotated[
        float, seconds("Time between parts of a body", "How long a caller that sends a body may send nothing.")
    ] = 60.0
    keep_alive_seconds: Annotated[
        float, seconds("Idle callers", "How long a connection of a caller is kept between two requests.")
    ] = 75.0
    connect_seconds: Annotated[
        float, seconds("Connecting to a service", "How long a connection to a service may take to begin.")
    ] = 5.0
    buffered_body_bytes: Annotated[
        int, sized("Kept bodies", "How much of a body is kept for policies that look at all of it.", 1024, 1 << 30)
    ] = 1024 * 1024
    connections: Annotated[
        int, counted("Connections", "Connections of callers to one worker at once; 0 for any number.")
    ] = 20_000
    connections_per_address: Annotated[
        int, counted("Connections of one caller", "Those of one address to one worker at once; 0 for any number.")
    ] = 0


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


class Timeouts(Part, frozen=True):
    """How long a gateway waits, in seconds."""

    stream_idle_seconds: Annotated[
        float, seconds("Idle streams", "How long nothing may flow in either direction of a request or a WebSocket.")
    ] = 300.0
    upstream_connection_idle_seconds: Annotated[
        float, seconds("Idle connections to services", "How long a connection to a service is kept without a request.")
    ] = 60.0
    upstream_response_seconds: Annotated[
        float, seconds("Answer of a service", "How long a service may take until its answer begins; 504 after that.")
    ] = 15.0


class TrustedProxies(Part, frozen=True):
    """Networks whose requests say for whom they ask, and in which `header` they say it.

    The other header is dropped as from anybody: a proxy that does not write it passes on what a client has made up.
    With `send_forwarded` services get a `Forwarded` header (RFC 7239) beside the usual ones.
    """

    networks: Annotated[
        list[str], setting("Networks", "Proxies before the gateway, such as 10.0.0.0/8. Nobody else is believed.")
    ] = []
    header: Annotated[
        str,
        setting(
            "Header",
            "In which one they say for whom they ask. The other one is dropped.",
            choices=FORWARDED_HEADERS,
            verbatim=True,
        ),
    ] = FORWARDED_HEADERS[0]
    send_forwarded: Annotated[
        bool, setting("Send Forwarded", "Services get the header Forwarded (RFC 7239) beside the usual ones.")
    ] = False
