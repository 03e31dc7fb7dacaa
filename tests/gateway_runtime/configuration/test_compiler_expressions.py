"""A revision whose expression is wrong: the API is fenced off with the sentence, as for any other setting."""

from typing import Annotated

import pytest

from gateway_runtime.policies import registry
from gateway_runtime.schema.document import PolicyBinding
from gateway_runtime.schema.expression import expression
from gateway_runtime.schema.policy import Category, Handlers, PolicyConfig, PolicyDefinition

from .test_compiler import Worker, api, document


class Config(PolicyConfig, frozen=True):
    """A key."""

    key: Annotated[str, expression("Key", "What is counted by.")]


POLICY = PolicyDefinition(
    name="made-up", title="Made up", summary="", category=Category.SECURITY, config=Config,
    build=lambda config, runtime: Handlers(), default_order=1, phases=(), example={},
)  # fmt: skip


def binding(key: str) -> PolicyBinding:
    return PolicyBinding(id="b", policy="made-up", order=1, config={"key": key})


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._BY_NAME, "made-up", POLICY)


def test_a_wrong_expression_is_a_fault_of_its_api() -> None:
    made = Worker().compile(document(api("a", binding("#[attributs]"))))
    (fault,) = made.faults
    assert (fault.path, fault.code) == ("apis[0].policies[0].key", "unknown_name")
    assert fault.message == "Character 3: There is no “attributs”. Did you mean “attributes”?"
    assert made.snapshot.apis["a"].quarantine is not None


def test_a_right_expression_is_none() -> None:
    made = Worker().compile(document(api("a", binding("#[attributes.method]"))))
    assert made.faults == []
