"""How a gateway gets on with a service: who is asked, over what, and what happens when nobody answers."""

from typing import Annotated, Literal

import msgspec

from gateway_runtime.schema.faults import whole
from gateway_runtime.schema.part import Part
from gateway_runtime.schema.policy import setting

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Count = Annotated[int, msgspec.Meta(ge=0)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Status = Annotated[int, msgspec.Meta(ge=100, le=599)]
TLS_VERSIONS = ("1.1", "1.2", "1.3")


class Balance(Part, frozen=True):
    """Which target is asked: in turn, the one with the least under way, or the same one for the same caller.

    `hash_on` (of `consistent_hash` alone) says who is the same caller: `client` by address, `header` by the one named
    in `header` (requests without it count as one caller), or `path`.
    """

    policy: Annotated[
        Literal["round_robin", "least_active", "consistent_hash"],
        setting("Who is asked", "In turn, the one with the least under way, or the same one for the same caller."),
    ] = "round_robin"
    hash_on: Annotated[
        Literal["client", "header", "path"],
        setting(
            "Same caller by",
            "Its address, the value of a header, or the path of the request.",
            only_with="policy=consistent_hash",
        ),
    ] = "client"
    header: Annotated[str, setting("Header", "Requests without it count as one caller.", only_with="hashOn=header")] = (
        ""
    )


class UpstreamTls(Part, frozen=True):
    """How TLS is spoken to a service. All certificates and the key are PEM.

    `trusted_ca` replaces the authorities that the machine trusts. `certificate` and `key` are shown to services that
    ask for them. `server_name` is asked for (SNI) and looked for in the certificate instead of the target's host.
    `ciphers` are IANA names for TLS 1.2 and below; empty: the documented ones.
    """

    trusted_ca: Annotated[
        str,
        setting(
            "Trusted authorities",
            "Certificates in PEM that replace those the machine trusts.",
            word="trustedCA",
            bounds={"max_length": 1_000_000},
        ),
    ] = ""
    certificate: Annotated[
        str,
        setting(
            "Client certificate",
            "In PEM, with its chain. It is shown to services that ask for one.",
            bounds={"max_length": 1_000_000},
        ),
    ] = ""
    key: Annotated[
        str,
        setting(
            "Key of the client certificate",
            "In PEM, without a passphrase.",
            secret=True,
            bounds={"max_length": 100_000},
        ),
    ] = ""
    server_name: Annotated[
        str,
        setting(
            "Server name",
            "Asked for, and looked for in the certificate, instead of the host of the address.",
            bounds={"max_length": 255},
        ),
    ] = ""
    skip_validation: Annotated[
        bool, setting("Skip validation", "Anybody on the way can pass for this service: only for tests.")
    ] = False
    min_version: Annotated[
        str, setting("Lowest version", "1.1 needs cipher suites of its own.", word="minversion", choices=TLS_VERSIONS)
    ] = "1.2"
    max_version: Annotated[
        str, setting("Highest version", "As a rule 1.3.", word="maxversion", choices=TLS_VERSIONS)
    ] = "1.3"
    ciphers: Annotated[
        list[str], setting("Cipher suites", "IANA names for TLS 1.2 and below; empty for the usual ones.")
    ] = []

    def __repr__(self) -> str:
        # The generated form would show the key.
        return f"UpstreamTls(server_name={self.server_name!r}, skip_validation={self.skip_validation})"


class HealthCheck(Part, frozen=True):
    """What is asked of every target now and then, and how many answers in a row change what is thought of it.

    Without `statuses` every answer from 200 to 399 is good.
    """

    path: Annotated[
        Annotated[str, msgspec.Meta(pattern=whole(r"^/[!-~]*$"), max_length=2048)],
        setting("Path", "Asked with GET, on a connection of its own."),
    ] = "/"
    interval_seconds: Annotated[
        Annotated[float, msgspec.Meta(ge=0.1, le=3600)], setting("Interval", "Seconds from one check to the next.")
    ] = 10.0
    timeout_seconds: Annotated[
        Annotated[float, msgspec.Meta(ge=0.1, le=60)],
        setting("Time for an answer", "Seconds for connecting and answering together."),
    ] = 2.0
    statuses: Annotated[tuple[Status, ...], setting("Good statuses", "Empty: every answer from 200 to 399.")] = ()
    unhealthy_after: Annotated[AtLeastOne, setting("Unhealthy after", "So many checks in a row that fail.")] = 3
    healthy_after: Annotated[AtLeastOne, setting("Healthy after", "So many good checks in a row.")] = 2


class Outliers(Part, frozen=True):
    """When a target that fails requests is passed over for a while.

    `statuses` count as failures besides connections that break and answers that do not come. The first time lasts
    `base_seconds`, each further one twice as long as the one before, up to `max_seconds`.
    """

    consecutive_failures: Annotated[
        AtLeastOne, setting("Failures in a row", "So many failed requests, and the target is passed over.")
    ] = 5
    consecutive_connect_failures: Annotated[
        AtLeastOne,
        setting("Failed connections in a row", "So many connections that cannot be had, and it is passed over."),
    ] = 1
    statuses: Annotated[
        tuple[Status, ...],
        setting("Statuses that are failures", "Besides connections that break and answers that do not come."),
    ] = (502, 503, 504)
    base_seconds: Annotated[
        Seconds, setting("First time", "Seconds for which it is passed over; each further time twice as long.")
    ] = 5.0
    max_seconds: Annotated[Seconds, setting("Longest time", "Seconds at most.")] = 300.0
    max_ejected_percent: Annotated[
        Percent, setting("Share of targets", "Percent of the targets that may be passed over at once.")
    ] = 50.0


class CircuitBreaker(Part, frozen=True):
    """How much may be under way to one service in each worker; None: as much as there is.

    A request that finds all `max_connections` in use waits for one, as `max_pending_requests` others may. More than
    that, and more than `max_requests` at once, is answered with 503.
    """

    max_connections: Annotated[
        AtLeastOne | None, setting("Connections", "Open connections at most, in each worker.")
    ] = None
    max_pending_requests: Annotated[
        Count | None, setting("Waiting requests", "Requests that wait for a connection at most.")
    ] = None
    max_requests: Annotated[AtLeastOne | None, setting("Requests", "Requests under way at most.")] = None
    max_retries: Annotated[
        Count | None, setting("Retries", "Requests that are tried another time at once, at most.")
    ] = None


class Retries(Part, frozen=True):
    """Which failures are tried another time, at another target where there is one. `attempts` counts the first, too.

    `connect` is a connection that cannot be had, `reset` one that breaks before an answer has begun; an answer with one
    of `statuses` is thrown away. Only requests that may be repeated are: idempotent ones without a body, and any at all
    while nothing has been sent. All requests together may cause further ones up to a share of `budget_percent`, and
    `budget_per_second` besides.
    """

    enabled: Annotated[
        bool, setting("Try again", "Off: no request is tried another time, also where a kept connection was lost.")
    ] = True
    attempts: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=10)], setting("Attempts", "The first one counts, too.")
    ] = 3
    failures: Annotated[
        tuple[Literal["connect", "reset"], ...],
        setting("Failures", "connect: no connection can be had; reset: it breaks before an answer has begun."),
    ] = ("connect", "reset")
    statuses: Annotated[
        tuple[Status, ...], setting("Statuses", "Answers with one of these are thrown away and tried again.")
    ] = ()
    budget_percent: Annotated[Percent, setting("Budget", "Further requests, as percent of all.")] = 20.0
    budget_per_second: Annotated[
        Annotated[float, msgspec.Meta(ge=0, le=10_000)],
        setting("Budget each second", "Further requests each second besides."),
    ] = 10.0


class ServiceTimeouts(Part, frozen=True):
    """How long a service may take; None: as long as the gateway's own settings say. In seconds."""

    connect_seconds: Annotated[
        Seconds | None, setting("Connecting", "Seconds; empty for the gateway’s own setting.")
    ] = None
    connection_idle_seconds: Annotated[
        Seconds | None,
        setting(
            "Idle connection", "Seconds for which an unused connection is kept; empty for the gateway’s own setting."
        ),
    ] = None


class ForwardProxy(Part, frozen=True):
    """The proxy that services are reached through, `http://host:port`. `no_proxy` names hosts that are not.

    An entry is a host name, which stands for the names below it too, an address, a network (CIDR) or `*`.
    """

    address: Annotated[str, setting("Address", "http://host:port.", placeholder="http://proxy.example:3128")]
    username: Annotated[str, setting("User name", "Where the proxy asks for one.")] = ""
    password: Annotated[str, setting("Password", "Encrypted, and never shown.", secret=True)] = ""
    no_proxy: Annotated[
        list[str], setting("Not through the proxy", "Host names with those below them, addresses, networks, or *.")
    ] = []

    def __repr__(self) -> str:
        # The generated form would show the password.
        return f"ForwardProxy(address={self.address!r}, no_proxy={self.no_proxy!r})"
