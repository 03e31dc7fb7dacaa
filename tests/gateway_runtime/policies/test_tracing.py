"""The policy that says which requests of an API get spans."""

from typing import Any

import pytest

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.schema import document as documents
from gateway_runtime.schema.document import ApiInstance, Document, Listener, PolicyBinding, Route, Service, Target
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.tracing import Label, Sampling, SpanReceiver, Tracing
from gateway_runtime.telemetry.sampling import ApiTracing
from gateway_runtime.upstream.registry import PoolRegistry

RECEIVER = SpanReceiver(endpoint="http://127.0.0.1:4318/v1/traces")


def shaped(config: dict[str, Any]) -> Any:
    policy = definition("tracing")
    assert policy.shape is not None
    return policy.shape(read_config(policy, config), ApiInstance(id="a", name="a", listener="l", base_path="")).spans


def compiled(*policies: PolicyBinding, tracing: Tracing | None = None) -> ApiTracing | None:
    document = Document(
        gateway="g",
        name="edge",
        tracing=tracing,
        listeners=[Listener(id="public", name="public", port=8080)],
        apis=[
            ApiInstance(
                id="a",
                name="a",
                listener="public",
                base_path="/a",
                services=[Service(id="s", name="s", targets=[Target(host="127.0.0.1", port=1)])],
                routes=[Route(id="r", name="all", service="s")],
                policies=list(policies),
            )
        ],
    )
    return Compiler(PoolRegistry()).compile(1, "d", documents.encode(document)).snapshot.apis["a"].tracing


def binding(**more: Any) -> PolicyBinding:
    return PolicyBinding(id="t", policy="tracing-flex", order=1, config={}, **more)


def test_everything_has_a_default() -> None:
    found = shaped({})
    assert (found.sampling, found.labels, found.name) == (Sampling(client=100, random=100, overall=100), [], "")


def test_settings_are_those_of_the_documents() -> None:
    found = shaped(
        {
            "sampling": {"client": 10, "random": 0.5, "overall": 50},
            "spanName": "orders",
            "labels": [{"name": "a", "type": "requestHeader", "keyName": "x-a", "defaultValue": "none"}],
        }
    )
    assert found.sampling == Sampling(client=10, random=0.5, overall=50)
    assert found.labels == [Label(name="a", type="requestHeader", key_name="x-a", default_value="none")]
    assert found.name == "orders"


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"sampling": {"random": 101}}, "sampling.random"),
        ({"sampling": {"client": -1}}, "sampling.client"),
        ({"sampling": {"often": 1}}, "sampling.often"),
        ({"labels": [{"name": "a", "type": "cookie"}]}, "labels[0].type"),
        ({"labels": [{"name": "", "type": "literal"}]}, "labels[0].name"),
        ({"labels": [{"name": "a", "type": "environment"}]}, "labels[0]"),
        ({"spanName": "#[attributes.nothing]"}, "spanName"),
    ],
)
def test_what_cannot_be_used_is_refused_where_it_stands(config: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        read_config(definition("tracing"), config)
    assert caught.value.path == path


def test_without_anybody_who_takes_spans_an_api_is_served_as_if_it_were_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert compiled(binding()) is None


def test_it_is_enough_that_the_gateway_knows_who_takes_spans() -> None:
    assert compiled(tracing=Tracing(receiver=RECEIVER)) is None
    found = compiled(binding(), tracing=Tracing(receiver=RECEIVER))
    assert found is not None
    assert found.spans is not None


def test_switched_off_it_says_nothing() -> None:
    assert compiled(binding(mode=Mode.OFF), tracing=Tracing(receiver=RECEIVER)) is None
