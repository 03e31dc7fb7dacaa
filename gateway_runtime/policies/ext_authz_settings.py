"""What external authorization is configured with."""

from enum import StrEnum
from typing import Annotated, Literal

from gateway_runtime.fetching.header_changes import (
    backend_may_get,
    caller_may_get,
    is_header_name,
    is_header_value,
)
from gateway_runtime.policies.asked_uri import AskedUri, read_grpc_uri, read_uri
from gateway_runtime.schema.document import Service
from gateway_runtime.schema.policy import PolicyConfig, setting

_HTTP_ONLY = "serverType=http"


class ServerType(StrEnum):
    """How the authorizer is asked."""

    GRPC = "grpc"
    HTTP = "http"


class ServerVersion(StrEnum):
    """Which of Envoy's two services of gRPC it has."""

    V3 = "v3"
    V2 = "v2"


class AddedHeader(PolicyConfig, frozen=True):
    """One header for the authorizer."""

    key: Annotated[str, setting("Name", "The name of the header.", max_length=100, placeholder="x-gateway")]
    value: Annotated[str, setting("Value", "The value to send.", max_length=4000)]

    def __post_init__(self) -> None:
        check_name(self.key)
        if self.key.lower() in ("content-length", "host") or not caller_may_get(self.key.lower().encode()):
            raise ValueError(f"The gateway sets “{self.key}” itself, so it cannot be added")
        if not is_header_value(self.value.encode()):
            raise ValueError("A header value cannot contain line breaks or other control characters")


HeaderName = Annotated[str, setting("Header", "A header name.", min_length=1, max_length=100)]


class Config(PolicyConfig, frozen=True):
    """Who decides, and what it gets to know and may change."""

    uri: Annotated[
        str,
        setting(
            "URI",
            "Where the authorizer is: h2://host:port for gRPC (https:// with TLS), http:// or https:// for HTTP, where "
            "a path comes before that of each request.",
            placeholder="h2://authorizer.example:9191",
            max_length=2000,
        ),
    ]
    server_type: Annotated[
        ServerType, setting("Server type", "Whether it speaks Envoy's ext_authz over gRPC, or plain HTTP.")
    ] = ServerType.GRPC
    server_version: Annotated[
        ServerVersion,
        setting("Server version", "The version of Envoy's gRPC interface.", only_with="serverType=grpc"),
    ] = ServerVersion.V3
    request_timeout: Annotated[
        int, setting("Timeout (ms)", "How long a request waits for the verdict, in milliseconds.", ge=1, le=60_000)
    ] = 5000
    include_peer_certificate: Annotated[
        bool,
        setting(
            "Include peer certificate",
            "Send the certificate that the caller has shown.",
            only_with="serverType=grpc",
        ),
    ] = False
    allowed_headers: Annotated[
        list[HeaderName],
        setting(
            "Allowed headers",
            "Headers of the caller that the authorizer gets to see. Empty: all with gRPC, none with HTTP.",
            max_length=100,
        ),
    ] = []
    service_request_headers_to_add: Annotated[
        list[AddedHeader],
        setting(
            "Headers to add", "What each question to the authorizer carries besides.", only_with=_HTTP_ONLY,
            max_length=50,
        ),
    ] = []  # fmt: skip
    service_response_upstream_headers: Annotated[
        list[HeaderName],
        setting(
            "Headers for the backend",
            "Headers of its answer that the backend gets. Those of the same name that a caller has sent never pass.",
            only_with=_HTTP_ONLY,
            max_length=50,
        ),
    ] = []
    service_response_upstream_headers_to_append: Annotated[
        list[HeaderName],
        setting(
            "Headers to append for the backend",
            "Headers of its answer that the backend gets besides those that the caller has sent.",
            only_with=_HTTP_ONLY,
            max_length=50,
        ),
    ] = []
    service_response_client_headers: Annotated[
        list[HeaderName],
        setting(
            "Headers for refused callers",
            "Headers of its answer that a refused caller gets. Empty: all.",
            only_with=_HTTP_ONLY,
            max_length=50,
        ),
    ] = []
    service_response_client_headers_on_success: Annotated[
        list[HeaderName],
        setting(
            "Headers for callers that pass",
            "Headers of its answer that are added to the backend's answer.",
            only_with=_HTTP_ONLY,
            max_length=50,
        ),
    ] = []
    status_on_error: Annotated[
        int,
        setting("Status on error", "What callers get where the authorizer cannot be asked.", ge=400, le=599),
    ] = 403

    def __post_init__(self) -> None:
        found = self._where()
        if self.server_type is ServerType.HTTP and found.scheme == "h2":
            raise ValueError("An HTTP server is at http:// or https://, not at h2://")
        if self.server_type is ServerType.HTTP and "?" in found.path:
            raise ValueError("The path of the URI comes before that of each request, so it has no query")
        for name in self.allowed_headers:
            check_name(name)
        self._check_http()

    def _check_http(self) -> None:
        for_backend = (*self.service_response_upstream_headers, *self.service_response_upstream_headers_to_append)
        for_caller = (*self.service_response_client_headers, *self.service_response_client_headers_on_success)
        if self.server_type is ServerType.GRPC and (for_backend or for_caller or self.service_request_headers_to_add):
            raise ValueError("An authorizer of gRPC says itself which headers it sets: leave the lists for HTTP empty")
        for name in for_backend:
            check_name(name)
            if not backend_may_get(name.lower().encode()):
                raise ValueError(f"No authorizer can set “{name}” for the backend: the gateway alone says it")
        for name in for_caller:
            check_name(name)
            if not caller_may_get(name.lower().encode()):
                raise ValueError(f"No authorizer can set “{name}” for callers: the gateway alone says it")

    def service(self) -> Service:
        """Return the authorizer as a service with one target."""
        protocol: Literal["http1", "http2"] = "http2" if self.server_type is ServerType.GRPC else "http1"
        return self._where().service(f"authorizer {self.server_type}", protocol)

    def path_prefix(self) -> bytes:
        """Return what comes before the path of a request."""
        return self._where().path.rstrip("/").encode()

    def _where(self) -> AskedUri:
        """Read the URI. Raises `ValueError`."""
        return read_grpc_uri(self.uri) if self.server_type is ServerType.GRPC else read_uri(self.uri)


def check_name(name: str) -> None:
    """Raise `ValueError` for what is no header name."""
    if not is_header_name(name.lower().encode()):
        raise ValueError(f"“{name}” is not a header name")
