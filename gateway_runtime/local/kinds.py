"""The resource kinds as they are written. Names in files are the documented camelCase ones; nothing else is allowed."""

import enum
from typing import Annotated, Any, Literal

import msgspec

from gateway_runtime.local.form import Form
from gateway_runtime.local.place import NAME_PATTERN
from gateway_runtime.local.service_settings import ServiceSettings
from gateway_runtime.policies.rate_limiting_settings import RateLimit
from gateway_runtime.schema.mode import Mode

API_VERSIONS = ("gateway.mulesoft.com/v1alpha1", "gateway.mulesoft.com/v1beta1")
DEFAULT_NAMESPACE = "default"
DEFAULT_ORDER = 50
# The end of the chain has this place, so a policy cannot.
ROUTER_ORDER = 2_147_483_647

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=253, pattern=NAME_PATTERN)]
# The documents write "" for “as usual”.
Namespace = Annotated[str, msgspec.Meta(max_length=253, pattern=f"^$|{NAME_PATTERN}")]


class Kind(enum.StrEnum):
    """What a resource is."""

    API_INSTANCE = "ApiInstance"
    SERVICE = "Service"
    POLICY_BINDING = "PolicyBinding"
    CONFIGURATION = "Configuration"
    EXTENSION = "Extension"
    CLIENT_APPLICATION = "ClientApplication"
    SLA_TIER = "SlaTier"


class Metadata(Form, frozen=True):
    """Who a resource is. `annotations` are notes of other programs."""

    name: Name
    namespace: Namespace | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, Any] | None = None


class Envelope(Form, frozen=True):
    """What is around every `spec`."""

    api_version: str
    kind: str
    metadata: Metadata
    spec: dict[str, Any] | None = None


class Rule(Form, frozen=True):
    """A condition on a request; all parts must hold."""

    path: str = ".*"
    host: str = ".*"
    methods: str = ".*"
    headers: dict[str, str] | None = None


class PolicyRef(Form, frozen=True):
    """Which policy."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    kind: Literal["Extension"] = "Extension"
    namespace: Namespace | None = None


class InlinePolicy(Form, frozen=True):
    """A policy inside an ApiInstance. It has no order of its own: the list is the order."""

    policy_ref: PolicyRef
    config: dict[str, Any] | None = None
    rules: list[Rule] | None = None
    mode: Mode | bool | None = None  # YAML reads a bare `off` as false


class InlineRouteConfig(Form, frozen=True):
    """What a route does with the path."""

    destination_path: str = ""


class InlineRoute(Form, frozen=True):
    """A route to the service it stands in."""

    config: InlineRouteConfig | None = None
    rules: list[Rule] | None = None


class InlineService(ServiceSettings, frozen=True, kw_only=True):
    """A service inside an ApiInstance. Without routes it takes every request."""

    address: str
    routes: list[InlineRoute] | None = None


class AccessLog(Form, frozen=True):
    """A line for each request. What is not given is as the whole gateway has it."""

    enabled: bool = True
    sampling: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    query: bool | None = None
    hide: list[str] | None = None


class InstanceLimits(Form, frozen=True):
    """What is different for one instance. An addition: Flex Gateway has policies for two of these."""

    response_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None = None
    stream_idle_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None = None
    body_bytes: Annotated[int, msgspec.Meta(ge=0, le=1 << 50)] | None = None
    buffered_body_bytes: Annotated[int, msgspec.Meta(ge=1024, le=1 << 30)] | None = None


class Deprecation(Form, frozen=True):
    """That an instance should not be used any more. An addition. Days or moments as RFC 3339 writes them."""

    since: str
    sunset: str | None = None
    successor: str = ""


class ApiInstance(Form, frozen=True):
    """`spec` of an ApiInstance. The services are decoded one by one, so that a fault knows its line."""

    address: str
    limits: InstanceLimits | None = None
    services: dict[str, Any] | None = None
    policies: list[Any] | None = None
    access_log: AccessLog | None = None
    deprecation: Deprecation | None = None


class Service(ServiceSettings, frozen=True, kw_only=True):
    """`spec` of a Service."""

    address: str


class Selector(Form, frozen=True):
    """Which instances; without labels every one."""

    kind: Literal["ApiInstance"]
    labels: dict[str, str] | None = None


class TargetRef(Form, frozen=True):
    """What a policy is bound to."""

    kind: Literal["ApiInstance", "Service", "Selector"] = "ApiInstance"
    name: Name | None = None
    namespace: Namespace | None = None
    selector: Selector | None = None


class PolicyBinding(Form, frozen=True):
    """`spec` of a PolicyBinding."""

    target_ref: TargetRef
    policy_ref: PolicyRef
    config: dict[str, Any] | None = None
    order: Annotated[int, msgspec.Meta(ge=-(2**31), lt=ROUTER_ORDER)] = DEFAULT_ORDER
    rules: list[Rule] | None = None
    mode: Mode | bool | None = None  # YAML reads a bare `off` as false


class Parent(Form, frozen=True):
    """What an Extension extends."""

    name: str
    namespace: Namespace | None = None


class Extension(Form, frozen=True):
    """`spec` of an Extension: the definition of a custom policy, its code, or both."""

    extends: list[Parent] | None = None
    properties: dict[str, Any] | None = None
    required: list[str] | None = None
    root_id: str = "main"
    implementation: str = ""


class DestinationRef(Form, frozen=True):
    """The Service that a route sends to."""

    name: Name
    kind: Literal["Service"] = "Service"
    namespace: Namespace | None = None


class RouteConfig(Form, frozen=True):
    """`config` of the policy `route`."""

    destination_ref: DestinationRef
    destination_path: str = "/"


class Share(Form, frozen=True):
    """One way of a weighted route."""

    weight: Annotated[int, msgspec.Meta(ge=1, le=100)]
    destination_ref: DestinationRef
    destination_path: str = "/"


class WeightedRouteConfig(Form, frozen=True):
    """`config` of the policy `route-weighted`."""

    routes: Annotated[list[Share], msgspec.Meta(min_length=1)]


class Contract(Form, frozen=True):
    """One API that an application may call. `namespace` is where the API and the tier are."""

    api: Name
    namespace: Namespace | None = None
    tier: Name | None = None


Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
Digest = Annotated[str, msgspec.Meta(min_length=64, max_length=64)]


class ClientApplication(Form, frozen=True):
    """`spec` of a ClientApplication, an addition. Of a secret only the digest is kept once it has been read."""

    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    client_secret: Secret | list[Secret] | None = None
    client_secret_sha256: Digest | list[Digest] | None = None
    contracts: list[Contract] | None = None

    def __repr__(self) -> str:
        # The generated form would show the secrets.
        return f"ClientApplication(client_id={self.client_id!r})"


class SlaTier(Form, frozen=True):
    """`spec` of an SlaTier, an addition. All limits count; an empty list is no limit."""

    limits: Annotated[list[RateLimit], msgspec.Meta(max_length=10)]


SPECS: dict[Kind, type[Form]] = {
    Kind.API_INSTANCE: ApiInstance,
    Kind.SERVICE: Service,
    Kind.POLICY_BINDING: PolicyBinding,
    Kind.EXTENSION: Extension,
    Kind.CLIENT_APPLICATION: ClientApplication,
    Kind.SLA_TIER: SlaTier,
}
