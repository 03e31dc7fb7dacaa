"""What a gateway and the policies of an API say about tracing its requests, made once per revision."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from gateway_runtime.policies.chain import Binding
from gateway_runtime.schema.document import Surroundings
from gateway_runtime.schema.tracing import SpanReceiver, Tracing
from gateway_runtime.telemetry.spans import ApiSpans

# As every program with OpenTelemetry reads them.
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
TRACES_PATH = "/v1/traces"


class ApiTracing(NamedTuple):
    """The share of requests that are traced for the portal, and which get spans."""

    share: float
    spans: ApiSpans | None


def api_tracing(document: Surroundings, bindings: list[Binding]) -> ApiTracing | None:
    """Return how the requests of an API with these policies are traced, None where none ever is by chance."""
    tracing = document.tracing or Tracing()
    spans = None
    if span_receiver(tracing) is not None:
        spans = next((_spans(each) for each in bindings if each.handlers.spans is not None), None)
        if spans is None and tracing.sampling is not None:
            spans = ApiSpans(tracing.sampling, tuple(tracing.labels))
    if spans is None and not document.sampled_percent:
        return None
    return ApiTracing(document.sampled_percent / 100, spans)


def _spans(binding: Binding) -> ApiSpans:
    asked = binding.handlers.spans
    assert asked is not None
    return ApiSpans(asked.sampling, asked.labels, asked.name, binding.condition)


def span_receiver(tracing: Tracing | None, environment: Mapping[str, str] = os.environ) -> SpanReceiver | None:
    """Return who takes the spans: the receiver that the configuration names, or else the environment."""
    if tracing is not None and tracing.receiver is not None:
        return tracing.receiver
    own, common = (environment.get(name, "") for name in _ENDPOINTS)
    if not own and not common:
        return None
    headers = next((value for name in _HEADERS if (value := environment.get(name))), "")
    pairs = (part.partition("=") for part in headers.split(",") if "=" in part)
    protocol = next((value for name in _PROTOCOLS if (value := environment.get(name))), "http/protobuf")
    grpc = protocol == "grpc"
    return SpanReceiver(
        endpoint=own or (common if grpc else common.rstrip("/") + TRACES_PATH),
        protocol="grpc" if grpc else "http/protobuf",
        headers={name.strip(): value.strip() for name, _, value in pairs},
        service_name=environment.get("OTEL_SERVICE_NAME") or SpanReceiver(endpoint="").service_name,
    )
