"""The `tracing` of a Configuration: who takes spans, and which requests get them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from gateway_runtime.fetching.url import parse_url
from gateway_runtime.local import configuration_kind as kind
from gateway_runtime.local.place import Place
from gateway_runtime.schema.tracing import Label, Sampling, SpanReceiver, Tracing
from gateway_runtime.telemetry.sampling import TRACES_PATH

# The documents name the types and say nothing of their spelling.
_GRPC = "grpc"
_SPELLING = re.compile(r"[^a-z0-9]")
_PROPERTIES = ("endpoint", "address", "url")
_KNOWN = (*_PROPERTIES, "headers", "serviceName")


def read_tracing(given: kind.Tracing, place: Place) -> Tracing:
    """Return how the gateway traces. Raises `FileFault`."""
    for index, label in enumerate(given.labels or ()):
        if label.type != "literal" and not label.key_name:
            raise place.at("labels", index, "keyName").fault("Name the variable or header of this label.", "required")
    return Tracing(
        receiver=_receiver(given.provider, place.at("provider")),
        sampling=Sampling(**asdict(given.sampling)) if given.sampling is not None else Sampling(),
        labels=[Label(**asdict(label)) for label in given.labels or ()],
    )


def _receiver(given: kind.TracingProvider, place: Place) -> SpanReceiver | None:
    name = _SPELLING.sub("", given.type.lower())
    if name == "anypoint":
        message = "This gateway has no Anypoint to send spans to. Use the type “OpenTelemetry”."
        raise place.at("type").fault(message, "not_supported")
    if not name.startswith("opentelemetry"):
        message = f"There is no provider “{given.type}”. Use “OpenTelemetry” or “OpenTelemetry gRPC”."
        raise place.at("type").fault(message, "invalid_value")
    properties = given.properties or {}
    _check(properties, place)
    endpoint = next((properties[each] for each in _PROPERTIES if properties.get(each)), "")
    if not endpoint:
        # The environment may name one.
        return None
    return SpanReceiver(
        endpoint=_endpoint(endpoint, place, grpc=name.endswith(_GRPC)),
        protocol="grpc" if name.endswith(_GRPC) else "http/protobuf",
        headers=dict(properties.get("headers") or {}),
        service_name=properties.get("serviceName") or SpanReceiver(endpoint="").service_name,
    )


def _check(properties: Mapping[str, Any], place: Place) -> None:
    for name, value in properties.items():
        here = place.at("properties", name)
        if name not in _KNOWN:
            message = f"There is no property “{name}” of this provider. There are {', '.join(_KNOWN)}."
            raise here.fault(message, "unknown_setting")
        if name == "headers":
            if not isinstance(value, dict) or not all(isinstance(v, str) and v.isprintable() for v in value.values()):
                raise here.fault("Headers are names with texts.", "invalid_value")
        elif not isinstance(value, str):
            raise here.fault("It must be a text.", "invalid_value")


def _endpoint(text: str, place: Place, *, grpc: bool) -> str:
    """Return the address of a receiver in full: host and port are enough, and HTTP has a usual path."""
    url = text if "://" in text else f"http://{text}"
    try:
        found = parse_url(url)
    except ValueError as error:
        raise place.at("properties").fault(f"{error}.", "invalid_value") from None
    if grpc:
        return f"{found.scheme}://{found.authority}"
    return f"{found.scheme}://{found.authority}{TRACES_PATH if found.target == '/' else found.target}"
