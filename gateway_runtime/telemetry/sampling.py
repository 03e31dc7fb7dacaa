"""What a gateway and the policies of an API say about tracing its requests, made once per revision."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.schema.document import Surroundings
from gateway_runtime.schema.tracing import SPAN_NAME, ApiSpans, SpanReceiver, Tracing
from gateway_runtime.telemetry.spans import SpanSampler

# As every program with OpenTelemetry reads them.
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
TRACES_PATH = "/v1/traces"


class ApiTracing(NamedTuple):
    """The share of requests that are traced for the portal, and which get spans."""

    share: float
    spans: SpanSampler | None


def api_tracing(document: Surroundings, own: ApiSpans | None) -> ApiTracing | None:
    """Return how the requests of an API are traced, None where none ever is by chance. `own` is what it says itself."""
    tracing = document.tracing or Tracing()
    spans = None
    if span_receiver(tracing) is not None:
        if own is not None:
            name = compile_for(SPAN_NAME, own.name).evaluate if own.name else None
            spans = SpanSampler(own.sampling, own.labels, name)
        elif tracing.sampling is not None:
            spans = SpanSampler(tracing.sampling, tracing.labels)
    if spans is None and not document.sampled_percent:
        return None
    return ApiTracing(document.sampled_percent / 100, spans)


def span_receiver(tracing: Tracing | None, environment: Mapping[str, str] = os.environ) -> SpanReceiver | None:
    """Return who takes the spans: the receiver that the configuration names, or else the environment."""
    if tracing is not None and tracing.receiver is not None:
        return tracing.receiver
    own, common = (environment.get(name, "") for name in _ENDPOINTS)
    if not own and not common:
        return None
    headers = next((value for name in _HEADERS if (value := environment.get(name))), "")
    pairs = (part.partition("=") for part in headers.split(",") if "=" in part)
    # Values are percent-encoded there, as those of baggage are.
    decoded = {name.strip(): unquote(value.strip()) for name, _, value in pairs}
    protocol = next((value for name in _PROTOCOLS if (value := environment.get(name))), "http/protobuf")
    grpc = protocol == "grpc"
    endpoint = own or (common if grpc else common.rstrip("/") + TRACES_PATH)
    return SpanReceiver(
        endpoint=endpoint if "://" in endpoint else f"http://{endpoint}",
        protocol="grpc" if grpc else "http/protobuf",
        headers={name: value for name, value in decoded.items() if value.isprintable()},
        service_name=environment.get("OTEL_SERVICE_NAME") or SpanReceiver(endpoint="").service_name,
    )
