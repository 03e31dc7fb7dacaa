"""The `tracing` of a Configuration."""

from typing import Any

import pytest

from gateway_runtime.schema.document import Document
from gateway_runtime.schema.tracing import Label, Sampling, SpanReceiver
from tests.gateway_runtime.local.test_gateway_settings import configuration, fault, loaded


def traced(spec: str) -> Any:
    document: Document = loaded(configuration(f"tracing: {{{spec}}}")).document
    return document.tracing


@pytest.mark.parametrize(
    ("provider", "endpoint", "protocol"),
    [
        ("OpenTelemetry, properties: {endpoint: 'http://otel:4318'}", "http://otel:4318/v1/traces", "http/protobuf"),
        ("openTelemetry, properties: {url: 'https://otel/own/path'}", "https://otel/own/path", "http/protobuf"),
        ("OpenTelemetry gRPC, properties: {address: 'otel:4317'}", "http://otel:4317", "grpc"),
        ("open-telemetry-grpc, properties: {address: 'https://otel'}", "https://otel", "grpc"),
    ],
)
def test_the_receiver(provider: str, endpoint: str, protocol: str) -> None:
    receiver = traced(f"provider: {{type: {provider}}}").receiver
    assert (receiver.endpoint, receiver.protocol) == (endpoint, protocol)


def test_all_of_it() -> None:
    found = traced(
        "provider: {type: OpenTelemetry, properties: {endpoint: otel, serviceName: edge, headers: {x-key: k}}}, "
        "sampling: {client: 5, random: 1}, labels: [{name: a, type: environment, keyName: A, defaultValue: b}]"
    )
    assert found.receiver == SpanReceiver(endpoint="http://otel/v1/traces", headers={"x-key": "k"}, service_name="edge")
    assert found.sampling == Sampling(client=5, random=1, overall=100)
    assert found.labels == [Label(name="a", type="environment", key_name="A", default_value="b")]
    assert "x-key" not in repr(found.receiver)


def test_without_an_endpoint_the_environment_says_it() -> None:
    found = traced("provider: {type: OpenTelemetry}")
    assert (found.receiver, found.sampling) == (None, Sampling())


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("provider: {type: anypoint}", "spec.tracing.provider.type: This gateway has no Anypoint to send spans to."),
        ("provider: {type: zipkin}", "spec.tracing.provider.type: There is no provider “zipkin”."),
        ("provider: {type: OpenTelemetry, properties: {endpoint: 'a b'}}", "is not a URL that can be fetched"),
        ("provider: {type: OpenTelemetry, properties: {port: '1'}}", "There is no property “port” of this provider."),
        ("provider: {type: OpenTelemetry, properties: {endpoint: 5}}", "properties.endpoint: It must be a text."),
        ("provider: {type: OpenTelemetry, properties: {headers: [a]}}", "properties.headers: Headers are names"),
        ('provider: {type: OpenTelemetry, properties: {headers: {a: "b\\rc: d"}}}', "properties.headers: Headers are"),
        ("provider: {type: OpenTelemetry}, labels: [{name: a, type: requestHeader}]", "Name the variable or header"),
        ("provider: {type: OpenTelemetry}, sampling: {random: 101}", "spec.tracing.sampling.random: Use 100 or less."),
    ],
)
def test_what_cannot_be_used_is_said_where_it_stands(spec: str, sentence: str) -> None:
    found = fault(configuration(f"tracing: {{{spec}}}"))
    assert found.startswith("api.yaml:6: spec.tracing")
    assert sentence in found
