"""What external processing is configured with."""

from enum import StrEnum
from typing import Annotated

from gateway_runtime.policies.asked_uri import read_grpc_uri
from gateway_runtime.policies.ext_proc_messages import Parts
from gateway_runtime.schema.document import Service
from gateway_runtime.schema.policy import PolicyConfig, setting


class HeaderMode(StrEnum):
    """Whether the headers of a message are shown."""

    SEND = "send"
    SKIP = "skip"


class BodyMode(StrEnum):
    """Whether a body is shown, and how."""

    NONE = "none"
    BUFFERED = "buffered"


class TrailerMode(StrEnum):
    """Whether trailers are shown."""

    SKIP = "skip"


_BODY = "whole, or not at all. Envoy's modes in pieces (streamed, bufferedPartial) are not possible."
_TRAILERS = "Trailers are never shown to a processor."


class Config(PolicyConfig, frozen=True):
    """Which processor is asked, what it gets to see, and what happens where it fails."""

    uri: Annotated[
        str,
        setting(
            "URI", "Where the processor is: h2://host:port for gRPC, or https:// with TLS.",
            placeholder="h2://processor.example:9292", max_length=2000,
        ),
    ]  # fmt: skip
    message_timeout: Annotated[
        int,
        setting(
            "Message timeout (ms)",
            "How long the processor has to answer each message, in milliseconds, the first connection included.",
            ge=1,
            le=60_000,
        ),
    ] = 1000
    request_header_mode: Annotated[
        HeaderMode, setting("Request headers", "Whether the processor is shown the headers of requests.")
    ] = HeaderMode.SEND
    response_header_mode: Annotated[
        HeaderMode, setting("Response headers", "Whether the processor is shown status and headers of answers.")
    ] = HeaderMode.SEND
    request_body_mode: Annotated[
        BodyMode, setting("Request bodies", f"Whether the processor is shown the bodies of requests: {_BODY}")
    ] = BodyMode.NONE
    response_body_mode: Annotated[
        BodyMode, setting("Response bodies", f"Whether the processor is shown the bodies of answers: {_BODY}")
    ] = BodyMode.NONE
    request_trailer_mode: Annotated[TrailerMode, setting("Request trailers", _TRAILERS)] = TrailerMode.SKIP
    response_trailer_mode: Annotated[TrailerMode, setting("Response trailers", _TRAILERS)] = TrailerMode.SKIP
    failure_mode_allow: Annotated[
        bool,
        setting(
            "Pass on failure",
            "Let requests and answers pass as they are where the processor cannot be asked. Off: callers get an error.",
        ),
    ] = False
    max_message_timeout: Annotated[
        int,
        setting(
            "Longest timeout (ms)",
            "How long a processor that asks for more time may have for a message, in milliseconds. 0: it gets no more.",
            ge=0,
            le=600_000,
        ),
    ] = 0
    allow_mode_override: Annotated[
        bool,
        setting(
            "Let the processor choose",
            "Let the processor say, in its answers about headers, what else it wants to see of a request.",
        ),
    ] = True

    def __post_init__(self) -> None:
        read_grpc_uri(self.uri)
        if self.parts() == Parts(False, False, False, False):
            raise ValueError("Nothing is shown to the processor: send it some headers or bodies")

    def service(self) -> Service:
        """Return the processor as a service with one target."""
        return read_grpc_uri(self.uri).service("processor", "http2")

    def parts(self) -> Parts:
        """Return what the processor is shown where it does not say otherwise."""
        return Parts(
            self.request_header_mode is HeaderMode.SEND,
            self.request_body_mode is BodyMode.BUFFERED,
            self.response_header_mode is HeaderMode.SEND,
            self.response_body_mode is BodyMode.BUFFERED,
        )
