"""How a gateway gets on with a service: who is asked, over what, and what happens when nobody answers."""

from typing import Annotated, Literal

import msgspec

from gateway_runtime.schema.faults import whole
from gateway_runtime.schema.part import Part
from gateway_runtime.schema.secret import Secret
from gateway_runtime.schema.setting import setting

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Count = Annotated[int, msgspec.Meta(ge=0)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Status = Annotated[int, msgspec.Meta(ge=100, le=599)]


class Balance(Part, frozen=True):
    """Which target is asked: in turn, the one with the least under way, or the same one for the same caller.

    `hash_on` (of `consistent_hash` alone) says who is the same caller: `client` by address, `header` by the one named
    in `header` (requests without it count as one caller), or `path`.
    """

    policy: Literal["round_robin", "least_active", "consistent_hash"] = "round_robin"
    hash_on: Literal["client", "header", "path"] = "client"
    header: str = ""


class UpstreamTls(Part, frozen=True):
    """How TLS is spoken to a service. All certificates and the key are PEM.

    `trusted_ca` replaces the authorities that the machine trusts. `certificate` and `key` are shown to services that
    ask for them. `server_name` is asked for (SNI) and looked for in the certificate instead of the target's host.
    `ciphers` are IANA names for TLS 1.2 and below; empty: the documented ones.
    """

    trusted_ca: str = ""
    certificate: str = ""
    key: Secret = ""
    server_name: str = ""
    skip_validation: bool = False
    min_version: str = "1.2"
    max_version: str = "1.3"
    ciphers: list[str] = []

    def __repr__(self) -> str:
        # The generated form would show the key.
        return f"UpstreamTls(server_name={self.server_name!r}, skip_validation={self.skip_validation})"


class HealthCheck(Part, frozen=True):
    """What is asked of every target now and then, and how many answers in a row change what is thought of it.

    Without `statuses` every answer from 200 to 399 is good.
    """

    path: Annotated[str, msgspec.Meta(pattern=whole(r"^/[!-~]*$"), max_length=2048)] = "/"
    interval_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 10.0
    timeout_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 2.0
    statuses: tuple[Status, ...] = ()
    unhealthy_after: AtLeastOne = 3
    healthy_after: AtLeastOne = 2


class Outliers(Part, frozen=True):
    """When a target that fails requests is passed over for a while.

    `statuses` count as failures besides connections that break and answers that do not come. The first time lasts
    `base_seconds`, each further one twice as long as the one before, up to `max_seconds`.
    """

    consecutive_failures: AtLeastOne = 5
    consecutive_connect_failures: AtLeastOne = 1
    statuses: tuple[Status, ...] = (502, 503, 504)
    base_seconds: Seconds = 5.0
    max_seconds: Seconds = 300.0
    max_ejected_percent: Percent = 50.0


class CircuitBreaker(Part, frozen=True):
    """How much may be under way to one service in each worker; None: as much as there is.

    A request that finds all `max_connections` in use waits for one, as `max_pending_requests` others may. More than
    that, and more than `max_requests` at once, is answered with 503.
    """

    max_connections: AtLeastOne | None = None
    max_pending_requests: Count | None = None
    max_requests: AtLeastOne | None = None
    max_retries: Count | None = None


class Retries(Part, frozen=True):
    """Which failures are tried another time, at another target where there is one. `attempts` counts the first, too.

    `connect` is a connection that cannot be had, `reset` one that breaks before an answer has begun; an answer with one
    of `statuses` is thrown away. Only requests that may be repeated are: idempotent ones without a body, and any at all
    while nothing has been sent. All requests together may cause further ones up to a share of `budget_percent`, and
    `budget_per_second` besides.
    """

    enabled: bool = True
    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    failures: tuple[Literal["connect", "reset"], ...] = ("connect", "reset")
    statuses: tuple[Status, ...] = ()
    budget_percent: Percent = 20.0
    budget_per_second: Annotated[float, msgspec.Meta(ge=0, le=10_000)] = 10.0


class ServiceTimeouts(Part, frozen=True):
    """How long a service may take; None: as long as the gateway's own settings say. In seconds."""

    connect_seconds: Seconds | None = None
    connection_idle_seconds: Seconds | None = None


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
