"""`spec` of a Configuration: every documented block, of which this gateway can do some."""

from typing import Annotated, Any, Literal

import msgspec

from gateway_runtime.local.form import Form
from gateway_runtime.local.tls_settings import Certificate, TlsVersion
from gateway_runtime.policies import circuit_breaker as breaker_policy

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Count = Annotated[int, msgspec.Meta(ge=0)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
LogLevel = Literal["debug", "info", "warn", "error", "fatal"]
Outputs = list[str] | dict[str, str]


class LogOutput(Form, frozen=True):
    """Where log lines are sent."""

    name: str
    type: str
    parameters: dict[str, Any] | None = None


class RuntimeLogs(Form, frozen=True):
    """The gateway's own log."""

    log_level: LogLevel | None = None
    outputs: Outputs | None = None


class AccessLogs(Form, frozen=True):
    """What Message Logging policies write, and a line for each request."""

    outputs: Outputs | None = None
    enabled: bool | None = None
    sampling: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    query: bool | None = None
    hide: list[str] | None = None


class Logging(Form, frozen=True):
    """Logs."""

    outputs: list[LogOutput] | None = None
    runtime_logs: RuntimeLogs | None = None
    access_logs: AccessLogs | None = None


class RedisTls(Form, frozen=True, rename=None):
    """TLS to the shared storage."""

    trustedCA: str = ""
    certificate: Certificate | None = None
    skipValidation: bool = False
    minversion: TlsVersion = "1.2"
    maxversion: TlsVersion = "1.3"
    alpn: list[str] | None = None
    ciphers: list[str] | None = None


class Sentinel(Form, frozen=True):
    """Redis Sentinel."""

    addresses: list[str]
    master_name: str
    password: str = ""


class Redis(Form, frozen=True):
    """Redis as shared storage."""

    address: str = ""
    username: str = ""
    password: str = ""
    db: Count = 0
    tls: RedisTls | None = None
    sentinel: Sentinel | None = None

    def __post_init__(self) -> None:
        if not self.address and self.sentinel is None:
            raise ValueError("Give the address of Redis, or its sentinel")


class Enabled(Form, frozen=True):
    """A switch."""

    enabled: bool = False


class SharedStorage(Form, frozen=True):
    """Where replicas share counters and caches."""

    redis: Redis | None = None
    local: Enabled | None = None


class BasicAuth(Form, frozen=True):
    """Credentials of a proxy."""

    username: str
    password: str


class ProxyAddress(Form, frozen=True):
    """A forward proxy."""

    address: str
    basic_auth: BasicAuth | None = None


class ForwardProxy(Form, frozen=True):
    """How this gateway reaches the outside."""

    https: ProxyAddress
    no_proxy: list[str] | None = None


class Probe(Form, frozen=True):
    """A port for probes."""

    enabled: bool = False
    port: Port | None = None


class Timeouts(Form, frozen=True):
    """How long to wait."""

    stream_idle_seconds: Seconds | None = None
    upstream_connection_idle_seconds: Seconds | None = None
    upstream_response_seconds: Seconds | None = None


class GatewayLimits(Form, frozen=True):
    """How much and how long. An addition: Flex Gateway has these as fixed numbers."""

    header_bytes: Annotated[int, msgspec.Meta(ge=1024, le=1 << 20)] | None = None
    url_bytes: Annotated[int, msgspec.Meta(ge=256, le=1 << 19)] | None = None
    header_seconds: Seconds | None = None
    body_seconds: Seconds | None = None
    keep_alive_seconds: Seconds | None = None
    connect_seconds: Seconds | None = None
    buffered_body_bytes: Annotated[int, msgspec.Meta(ge=1024, le=1 << 30)] | None = None
    connections: Annotated[int, msgspec.Meta(ge=0, le=1 << 20)] | None = None
    connections_per_address: Annotated[int, msgspec.Meta(ge=0, le=1 << 20)] | None = None


class Proxies(Form, frozen=True):
    """Whose word about callers counts. An addition."""

    networks: list[str]
    header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    send_forwarded: bool = False


class TracingProvider(Form, frozen=True):
    """Who takes the spans."""

    type: str
    properties: dict[str, Any] | None = None


class Sampling(Form, frozen=True):
    """Which requests are traced."""

    client: Percent = 100
    random: Percent = 100
    overall: Percent = 100


class TracingLabel(Form, frozen=True):
    """A label of each span."""

    name: str
    type: Literal["literal", "environment", "requestHeader"]
    key_name: str = ""
    default_value: str = ""


class Tracing(Form, frozen=True):
    """Traces."""

    provider: TracingProvider
    sampling: Sampling | None = None
    labels: list[TracingLabel] | None = None


class Configuration(Form, frozen=True):
    """Settings of the whole gateway."""

    logging: Logging | None = None
    shared_storage: SharedStorage | None = None
    forward_proxy: ForwardProxy | None = None
    proxy_protocol: Enabled | None = None
    probe: Probe | None = None
    timeouts: Timeouts | None = None
    limits: GatewayLimits | None = None
    trusted_proxies: Proxies | None = None
    tracing: Tracing | None = None
    circuit_breaker: breaker_policy.Config | None = None
    platform_connection: dict[str, Any] | None = None
