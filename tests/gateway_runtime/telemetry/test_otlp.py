"""Spans as the published schema of OTLP reads them."""

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from gateway_runtime.telemetry.otlp import export_request
from gateway_runtime.telemetry.span_data import CLIENT, SERVER, SpanData

texts = st.text(max_size=200)
attributes = st.lists(st.tuples(texts, st.one_of(texts, st.integers(-(1 << 63), (1 << 63) - 1))), max_size=8)
spans = st.builds(
    SpanData,
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=8, max_size=8),
    st.one_of(st.just(b""), st.binary(min_size=8, max_size=8)),
    texts,
    st.sampled_from([SERVER, CLIENT]),
    texts,
    st.integers(0, (1 << 64) - 1),
    st.integers(0, (1 << 64) - 1),
    attributes,
    texts,
)


@given(st.lists(spans, max_size=5), st.dictionaries(texts, texts, max_size=4))
def test_whatever_is_written_is_read_back(written: list[SpanData], resource: dict[str, str]) -> None:
    request = ExportTraceServiceRequest.FromString(export_request(written, resource))
    (found,) = request.resource_spans
    assert {each.key: each.value.string_value for each in found.resource.attributes} == resource
    (scope,) = found.scope_spans
    assert scope.scope.name == "portico.gateway"
    assert len(scope.spans) == len(written)
    for read, span in zip(scope.spans, written, strict=True):
        assert (read.trace_id, read.span_id, read.parent_span_id) == (span.trace_id, span.span_id, span.parent_id)
        assert (read.trace_state, read.kind, read.name) == (span.state, span.kind, span.name)
        assert (read.start_time_unix_nano, read.end_time_unix_nano) == (span.start, span.end)
        said = [(each.key, getattr(each.value, each.value.WhichOneof("value"))) for each in read.attributes]
        assert said == span.attributes
        assert read.status.code == (2 if span.error else 0)
        assert read.status.message == span.error
        assert read.flags & 1
