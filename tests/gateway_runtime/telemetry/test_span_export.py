"""Who takes spans, and what becomes of those that nobody can take."""

import asyncio

import msgspec
import pytest

from gateway_runtime.schema.tracing import SpanReceiver, Tracing
from gateway_runtime.telemetry.sampling import span_receiver
from gateway_runtime.telemetry.span_data import SERVER, SpanData
from gateway_runtime.telemetry.span_export import KEPT_SPANS, SpanExport

SPAN = SpanData(b"a" * 16, b"b" * 8, b"", "", SERVER, "GET", 1, 2, [])


def export_to(endpoint: str, protocol: str = "http/protobuf") -> SpanExport:
    export = SpanExport(gateway="g", replica="r")
    receiver = SpanReceiver(endpoint=endpoint, protocol=protocol)  # type: ignore[arg-type]
    export.configure(msgspec.json.encode({"tracing": Tracing(receiver=receiver)}))
    return export


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("endpoint", ["collector of spans", "ftp://collector:4317", "http://ada:sesame@collector"])
def test_an_address_that_cannot_be_asked_costs_its_spans_and_never_the_export(endpoint: str, protocol: str) -> None:
    export = export_to(endpoint, protocol)
    export.add([[SPAN, SPAN]])
    assert asyncio.run(export.export())
    assert (export.exported, export.dropped) == (0, 2)


def test_spans_beyond_what_is_kept_are_counted_by_whole_requests() -> None:
    export = export_to("http://127.0.0.1:9")
    export.add([[SPAN] * (KEPT_SPANS - 1), [SPAN, SPAN], [SPAN]], dropped=3)
    assert export.dropped == 3 + 2


def test_without_a_receiver_spans_are_given_up() -> None:
    export = SpanExport(gateway="g", replica="r")
    export.add([[SPAN]])
    assert export.dropped == 1


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}, "http://collector:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "http://collector:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector/in"}, "https://collector/in"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "http://collector:4317",
        ),
    ],
)
def test_the_environment_may_name_the_receiver(environment: dict[str, str], endpoint: str) -> None:
    receiver = span_receiver(None, environment)
    assert receiver is not None
    assert receiver.endpoint == endpoint


def test_headers_of_the_environment_are_read_as_other_programs_read_them() -> None:
    written = "authorization=Basic%20YWRhOg==, x-tenant = blue ,x-bad=a%0d%0ab,alone"
    receiver = span_receiver(None, {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector", "OTEL_EXPORTER_OTLP_HEADERS": written,
    })  # fmt: skip
    assert receiver is not None
    assert receiver.headers == {"authorization": "Basic YWRhOg==", "x-tenant": "blue"}
