"""Which requests get spans."""

from types import SimpleNamespace
from typing import Any

import pytest

from gateway_runtime.schema.tracing import Label, Sampling
from gateway_runtime.telemetry import spans
from gateway_runtime.telemetry.spans import RequestSpans, SpanSampler

ON = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OFF = ON[:-2] + b"00"


def exchange(*headers: tuple[bytes, bytes]) -> Any:
    return SimpleNamespace(request=SimpleNamespace(headers=lambda: list(headers)))


def begun(sampling: Sampling, *headers: tuple[bytes, bytes]) -> RequestSpans | None:
    return SpanSampler(sampling).begin(exchange(*headers))


@pytest.mark.parametrize(
    ("sampling", "headers", "traced"),
    [
        ({"random": 0}, [], False),
        ({"random": 100}, [], True),
        ({"random": 100, "overall": 0}, [], False),
        ({"random": 0, "client": 100}, [(b"x-client-trace-id", b"a")], True),
        ({"random": 100, "client": 0}, [(b"x-client-trace-id", b"a")], False),
        ({"random": 0}, [(b"traceparent", ON)], True),
        ({"random": 100}, [(b"traceparent", OFF)], False),
        ({"random": 0, "overall": 0}, [(b"traceparent", ON)], False),
        ({"random": 0, "client": 100}, [(b"x-client-trace-id", b"a"), (b"traceparent", OFF)], True),
    ],
)
def test_who_is_traced(sampling: dict[str, float], headers: list[tuple[bytes, bytes]], traced: bool) -> None:
    assert (begun(Sampling(**sampling), *headers) is not None) is traced


@pytest.mark.parametrize(("drawn", "traced"), [(0.124, True), (0.126, False)])
def test_shares_are_a_part_of_a_part(monkeypatch: pytest.MonkeyPatch, drawn: float, traced: bool) -> None:
    monkeypatch.setattr(spans, "random", lambda: drawn)
    assert (begun(Sampling(random=25, overall=50)) is not None) is traced


def test_a_trace_that_comes_is_gone_on_with_and_each_attempt_is_a_span_of_its_own() -> None:
    found = begun(Sampling(), (b"traceparent", ON), (b"tracestate", b"a=1"), (b"tracestate", b"b=2"))
    assert found is not None
    first, second = found.ask(), found.ask()
    assert first[:36] == second[:36] == ON[:36]
    assert first[36:52] != second[36:52]
    assert first.endswith(b"-01")


def test_labels_come_from_texts_headers_and_the_environment() -> None:
    labels = [
        Label(name="a", type="literal", default_value="x"),
        Label(name="b", type="literal", key_name="y"),
        Label(name="c", type="environment", key_name="REGION", default_value="none"),
        Label(name="d", type="environment", key_name="OTHER", default_value="none"),
        Label(name="e", type="requestHeader", key_name="X-Tenant", default_value="none"),
        Label(name="f", type="requestHeader", key_name="X-Other", default_value="none"),
    ]
    sampler = SpanSampler(Sampling(), labels, environment={"REGION": "north"})
    found = sampler.begin(exchange((b"x-tenant", b"blue")))
    assert found is not None
    assert dict(found.labels) == {"a": "x", "b": "y", "c": "north", "d": "none", "e": "blue", "f": "none"}
