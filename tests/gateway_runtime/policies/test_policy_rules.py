"""The same questions asked of every policy."""

import builtins
import socket
from typing import Any

import msgspec
import pytest

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.policy import Phase, PolicyConfig, PolicyDefinition

from .kit import policy_case

every_policy = pytest.mark.parametrize("policy", all_definitions(), ids=lambda d: d.name)


def structs_in(type_: Any) -> list[type]:
    """Return a settings type and every settings type inside it."""
    found: list[type] = []

    def look(info: Any) -> None:
        if isinstance(info, msgspec.inspect.StructType):
            found.append(info.cls)
            for field in info.fields:
                look(field.type)
        for name in ("type", "item_type", "value_type"):
            if hasattr(info, name):
                look(getattr(info, name))
        for each in getattr(info, "types", ()):
            look(each)

    look(msgspec.inspect.type_info(type_))
    return found


@every_policy
def test_every_setting_has_a_title_and_help(policy: PolicyDefinition) -> None:
    for struct in structs_in(policy.config):
        for field in msgspec.inspect.type_info(struct).fields:  # type: ignore[attr-defined]
            schema = getattr(field.type, "extra_json_schema", None) or {}
            assert schema.get("title"), f"{struct.__qualname__}.{field.name} has no title"
            assert schema.get("description", "").endswith("."), f"{struct.__qualname__}.{field.name} has no sentence"
            assert "secret" in (field.type.extra or {})


@every_policy
def test_settings_are_frozen_and_strict(policy: PolicyDefinition) -> None:
    for struct in structs_in(policy.config):
        assert issubclass(struct, PolicyConfig)
        assert struct.__struct_config__.frozen
        assert struct.__struct_config__.forbid_unknown_fields


@every_policy
def test_example_decodes_and_comes_back_the_same(policy: PolicyDefinition) -> None:
    config = convert(policy.example, policy.config)
    again = convert(msgspec.to_builtins(config), policy.config)
    assert again == config


@every_policy
def test_unknown_setting_is_refused_with_the_nearest_name(policy: PolicyDefinition) -> None:
    known = next(iter(policy.example))
    with pytest.raises(ConfigFault) as caught:
        convert({**policy.example, known + "x": 1}, policy.config)
    assert caught.value.code == "unknown_setting"
    assert caught.value.path == known + "x"
    assert f"Did you mean “{known}”?" in caught.value.message


@every_policy
def test_build_does_no_io(policy: PolicyDefinition, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("build must not open files or sockets")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(builtins, "open", forbidden)
    assert policy_case(policy.name).handlers is not None


@every_policy
def test_handlers_are_those_of_the_declared_phases(policy: PolicyDefinition) -> None:
    handlers = policy_case(policy.name).handlers
    returned = {phase for phase in Phase if getattr(handlers, phase) is not None}
    assert returned == set(policy.phases)


@every_policy
def test_refusal_codes_are_unique_and_in_the_documentation(policy: PolicyDefinition) -> None:
    codes = [refusal.code for refusal in policy.refusals]
    assert len(codes) == len(set(codes))
    for refusal in policy.refusals:
        assert 400 <= refusal.status <= 599
        assert f"| {refusal.status} | `{refusal.code}` |" in policy.documentation
        assert refusal.title
        assert refusal.detail.endswith(".")


@every_policy
def test_undeclared_refusal_cannot_be_built(policy: PolicyDefinition) -> None:
    from gateway_runtime.consumers.index import ApiConsumers, Directory
    from gateway_runtime.policies.runtime import BindingRuntime

    runtime = BindingRuntime(
        api="a", binding="b", definition=policy, consumers=ApiConsumers(Directory(), ()), clock=lambda: 0.0, kept={}
    )
    with pytest.raises(LookupError):
        runtime.refusal("something_else")


@every_policy
def test_documentation_has_title_and_sections(policy: PolicyDefinition) -> None:
    assert policy.documentation.startswith(f"# {policy.title}\n")
    assert "## When to use it" in policy.documentation
    assert "## Example" in policy.documentation
    assert policy.summary.endswith(".")


def test_reason_codes_belong_to_one_policy_each() -> None:
    codes = [refusal.code for policy in all_definitions() for refusal in policy.refusals]
    assert len(codes) == len(set(codes))
