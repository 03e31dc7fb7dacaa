"""The configuration of one gateway as one value: what the portal builds and every worker compiles."""

import hashlib
from typing import Annotated, Any, Literal

import msgspec

from gateway_runtime.schema.access_log import AccessLog
from gateway_runtime.schema.deprecation import Deprecation
from gateway_runtime.schema.limits import ApiLimits, Limits, Timeouts, TrustedProxies
from gateway_runtime.schema.log_output import LogOutput
from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.part import Part
from gateway_runtime.schema.platform import PlatformAddress
from gateway_runtime.schema.policy import setting
from gateway_runtime.schema.probe import Probe
from gateway_runtime.schema.secret import Secret
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.schema.tracing import ApiSpans, Tracing
from gateway_runtime.schema.upstream import (
    TLS_VERSIONS,
    Balance,
    CircuitBreaker,
    ForwardProxy,
    HealthCheck,
    Outliers,
    Retries,
    ServiceTimeouts,
    UpstreamTls,
)

# A gateway refuses a document of another format and keeps its last good one; additive fields do not raise it.
FORMAT = 1

LogLevel = Literal["debug", "info", "warn", "error", "fatal"]


class Rule(Part, frozen=True):
    """A condition on a request. All given parts must hold; each is an RE2 pattern for the whole string.

    `path` is compared with the request path after the API's base path has been removed, without the query.
    """

    path: str = ".*"
    host: str = ".*"
    methods: str = ".*"
    headers: dict[str, str] = {}


class Target(Part, frozen=True):
    """One host and port that can answer for a service."""

    host: str
    port: int
    weight: int = 100


class Service(Part, frozen=True):
    """A backend as a route sees it: a scheme (`http` or `https`) and the targets that share its traffic.

    `protocol` http2 is agreed by ALPN with https, and taken for known with http. gRPC needs it.
    Without `retries` a lost kept connection is replaced once and another target is tried where one cannot be reached;
    without `outliers` a target is passed over for a while only when no connection can be had.
    """

    id: str
    name: str
    targets: list[Target]
    scheme: str = "http"
    protocol: Annotated[
        Literal["http1", "http2"],
        setting("Protocol", "HTTP/2 is agreed by ALPN with https, and taken for known with http. gRPC needs it."),
    ] = "http1"
    balance: Annotated[Balance, setting("Balance", "Which of several targets is asked.")] = Balance()
    tls: Annotated[
        UpstreamTls | None,
        setting("TLS", "How TLS is spoken to a service whose address begins with https.", switch=True),
    ] = None
    health_check: Annotated[
        HealthCheck | None, setting("Health check", "What every target is asked now and then.", switch=True)
    ] = None
    outliers: Annotated[
        Outliers | None,
        setting("Failing targets", "When a target that fails requests is passed over for a while.", switch=True),
    ] = None
    circuit_breaker: Annotated[
        CircuitBreaker | None,
        setting("Circuit breaker", "How much may be under way at once. What is left empty has no ceiling."),
    ] = None
    retries: Annotated[
        Retries | None,
        setting("Retries", "Which failures are tried another time, at another target where there is one.", switch=True),
    ] = None
    timeouts: Annotated[ServiceTimeouts, setting("Timeouts", "How long connections may take.")] = ServiceTimeouts()


class Destination(Part, frozen=True):
    """One way of a weighted route: its share is its weight in the sum of all."""

    service: str
    weight: int = 1
    destination_path: str = ""


class Route(Part, frozen=True):
    """Which requests go to which service. An empty list of rules holds for every request.

    With `destinations` each request goes to one of them by chance, and `service` and `destination_path` do not count.
    """

    id: str
    name: str
    service: str
    destination_path: str = ""
    rules: list[Rule] = []
    destinations: list[Destination] = []


class PolicyBinding(Part, frozen=True):
    """One policy applied to one API. `config` is decoded by the policy's own `Config` type when compiled."""

    id: str
    policy: str
    order: int
    config: dict[str, Any] = {}
    rules: list[Rule] = []
    mode: Mode = Mode.ENFORCE


class ApiInstance(Part, frozen=True):
    """One API version managed on this gateway.

    `base_path` starts with `/` and has no trailing slash (the root is the empty string). With `quarantine` set the
    instance answers 503 with that reason: it is never served without its policies. `specification` is the text of the
    OpenAPI document of its version, there only where one of the policies asks for it.
    """

    id: str
    name: str
    listener: str
    base_path: str
    services: list[Service] = []
    routes: list[Route] = []
    policies: list[PolicyBinding] = []
    quarantine: str = ""
    access_log: Annotated[
        AccessLog | None, setting("Access log", "One line for each finished request, or a part of them.", switch=True)
    ] = None
    limits: Annotated[ApiLimits, setting("Limits", "What is different for this API.")] = ApiLimits()
    spans: ApiSpans | None = None
    specification: str = ""
    deprecation: Deprecation | None = None


class Certificate(Part, frozen=True):
    """A certificate with its chain, and its unencrypted private key, both as PEM.

    `names` are the host names it is chosen for, exact or with `*` as first label; empty: those it has itself.
    """

    certificate: str
    key: Secret
    names: list[str] = []

    def __repr__(self) -> str:
        # The generated form would show the key.
        return f"Certificate(names={self.names!r})"


class Tls(Part, frozen=True):
    """How a listener speaks TLS. The first certificate is for callers that name no host, or one nobody has.

    With `trusted_ca` (PEM) a client certificate is asked for and checked, and with `require_client_certificate` nobody
    comes in without. `ciphers` are IANA names for TLS 1.2 and below; empty: the documented ones.
    """

    certificates: list[Certificate]
    trusted_ca: Annotated[
        str,
        setting(
            "Trusted authorities",
            "Certificates in PEM form. With them callers are asked for a client certificate that one of these issued.",
            word="trustedCA",
            bounds={"max_length": 1_000_000},
            placeholder="-----BEGIN CERTIFICATE-----",
        ),
    ] = ""
    require_client_certificate: Annotated[
        bool,
        setting("Require a client certificate", "Nobody comes in without one. It needs trusted authorities."),
    ] = False
    min_version: Annotated[
        str,
        setting(
            "Lowest version",
            "1.1 is outdated, and needs cipher suites that are listed.",
            word="minversion",
            choices=TLS_VERSIONS,
        ),
    ] = "1.2"
    max_version: Annotated[
        str,
        setting(
            "Highest version", "1.3, unless a caller cannot speak it rightly.", word="maxversion", choices=TLS_VERSIONS
        ),
    ] = "1.3"
    ciphers: Annotated[
        list[str],
        setting(
            "Cipher suites",
            "IANA names, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, for TLS 1.2 and below. Empty: the usual ones.",
        ),
    ] = []
    alpn: Annotated[
        tuple[Literal["h2", "http/1.1"], ...],
        setting(
            "Protocols", "What is agreed with callers (ALPN): h2 is HTTP/2. The first that a caller knows is taken."
        ),
    ] = ("h2", "http/1.1")


class Listener(Part, frozen=True):
    """An address and port that accepts traffic, in plain text without `tls`.

    With `proxy_protocol` every connection begins with a PROXY header, version 1 or 2, or it is closed.
    """

    id: str
    name: str
    port: int
    host: str = "0.0.0.0"  # noqa: S104 - a gateway is there to be reached
    tls: Tls | None = None
    proxy_protocol: bool = False


class Consumer(Part, frozen=True):
    """A client application. `secrets` are SHA-256 digests in hex; the secrets themselves never reach a gateway."""

    id: str
    name: str
    client_id: str
    secrets: list[str] = []


class TierLimit(Part, frozen=True):
    """So many requests: in so many milliseconds, or in each calendar period (`day`, `week`, `month`, `year`)."""

    maximum_requests: int
    period_ms: int = 0
    calendar_period: str = ""


class Tier(Part, frozen=True):
    """A level of service. All its limits count, for each contract by itself; without limits there is none."""

    id: str
    name: str
    limits: list[TierLimit] = []


class Contract(Part, frozen=True):
    """An active contract: this consumer may call this API instance, under this tier ("" for none)."""

    api: str
    consumer: str
    tier: str = ""


class Surroundings(Part, frozen=True):
    """What a gateway has besides its APIs. `log_level` is the lowest one that is written.

    Without `shared_storage` a registered gateway shares through the Redis of its registration, another one does not.
    `access_log` is for requests that no API takes; each API has its own. Without outputs the
    runtime log goes to standard error and access lines to standard output. `platform_addresses` are
    those of the portal, which are refused also where private targets are allowed. `sampled_percent` of the requests are
    traced for the portal; `tracing` is about spans for others.
    """

    gateway: str
    name: str
    format: int = FORMAT
    allow_private_targets: bool = False
    listeners: list[Listener] = []
    consumers: list[Consumer] = []
    contracts: list[Contract] = []
    tiers: list[Tier] = []
    timeouts: Annotated[Timeouts, setting("Timeouts", "How long the gateway waits.")] = Timeouts()
    forward_proxy: Annotated[
        ForwardProxy | None, setting("Forward proxy", "What services are reached through.", switch=True)
    ] = None
    limits: Annotated[Limits, setting("Limits", "How much the gateway takes.")] = Limits()
    trusted_proxies: Annotated[
        TrustedProxies,
        setting("Trusted proxies", "Whose word counts about who calls: that is what policies and logs then see."),
    ] = TrustedProxies()
    log_level: Annotated[
        LogLevel, setting("Lowest level", "What the gateway writes about itself: this level and those above it.")
    ] = "info"
    shared_storage: Annotated[
        SharedStorage | None,
        setting(
            "Shared storage",
            "Where replicas share counters and caches, where that is not the Redis of the registration.",
            switch=True,
        ),
    ] = None
    access_log: Annotated[
        AccessLog | None,
        setting("Access log", "A line of JSON (Elastic Common Schema) for each request.", switch=True),
    ] = None
    probe: Annotated[
        Probe | None,
        setting("Probes", "A port on which an orchestrator asks whether a replica is ready and alive.", switch=True),
    ] = None
    runtime_log_outputs: list[LogOutput] = []
    access_log_outputs: list[LogOutput] = []
    platform_addresses: list[PlatformAddress] = []
    sampled_percent: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0
    tracing: Annotated[Tracing | None, setting("Spans", "Traces for your own OpenTelemetry receiver.", switch=True)] = (
        None
    )


# What of these holds for whole replicas and can be tried out there: listeners, and what people set for a gateway.
WIDE_PARTS = (
    "listeners", "timeouts", "forward_proxy", "limits", "trusted_proxies", "log_level", "shared_storage", "access_log",
    "probe", "runtime_log_outputs", "access_log_outputs", "tracing",
)  # fmt: skip


class Trial(Part, frozen=True):
    """Who takes a candidate. `revision` is its number, `stable` that of what all others go on with.

    With `replica`, its id, all requests of that replica; else `percent` of the requests of each. `removed` are the ids
    of APIs that the candidate does not have.
    """

    revision: int
    stable: int
    replica: str = ""
    percent: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0
    removed: list[str] = []


class Candidate(Trial, frozen=True):
    """What is tried out before everybody gets it: the APIs that differ, beside those of the document.

    With `surroundings` its `WIDE_PARTS` differ. They count on a replica that gives all its requests to the candidate;
    no share of the requests can have a listener or a limit of its own.
    """

    apis: list[ApiInstance] = []
    surroundings: Surroundings | None = None


class CandidateOutline(Trial, frozen=True):
    """A candidate with its APIs unread."""

    apis: list[msgspec.Raw] = []
    surroundings: Surroundings | None = None


class Document(Surroundings, frozen=True):
    """The whole configuration of one gateway."""

    apis: list[ApiInstance] = []
    candidate: Candidate | None = None


class Outline(Surroundings, frozen=True):
    """A document as a worker reads it first: each API as its bytes, which say whether it is still the same."""

    apis: list[msgspec.Raw] = []
    candidate: CandidateOutline | None = None


def encode(document: Document) -> bytes:
    """Return the canonical JSON bytes of a document: equal documents give equal bytes."""
    return msgspec.json.encode(document, order="deterministic")


def decode(data: bytes) -> Document:
    """Read a document. Raises `msgspec.ValidationError` with the path of the first fault."""
    return msgspec.json.decode(data, type=Document)


def digest(data: bytes) -> str:
    """Return the SHA-256 of encoded configuration as hex."""
    return hashlib.sha256(data).hexdigest()


def sections(document: Document) -> dict[str, str]:
    """Return a digest of each top-level section, so that a compiler can keep what has not changed."""
    return {
        name: digest(msgspec.json.encode(getattr(document, name), order="deterministic"))
        for name in ("listeners", "apis", "consumers", "contracts", "tiers")
    }
