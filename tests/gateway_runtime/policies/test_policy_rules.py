"""The same questions asked of every policy."""

import builtins
import re
import socket
from typing import Any

import pytest

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.policies.rules import broken_rules
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.policy import Phase, PolicyDefinition
from gateway_runtime.testing import policy_case

every_policy = pytest.mark.parametrize("policy", all_definitions(), ids=lambda d: d.name)


@every_policy
def test_no_rule_is_broken(policy: PolicyDefinition) -> None:
    assert list(broken_rules(policy)) == []


@every_policy
def test_no_refusal_sends_callers_to_the_portal_that_a_gateway_of_files_has_not(policy: PolicyDefinition) -> None:
    for refusal in policy.refusals:
        assert not {"hub", "portal", "console"} & set(re.findall("[a-z]+", refusal.detail.lower()))


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
def test_undeclared_refusal_cannot_be_built(policy: PolicyDefinition) -> None:
    from gateway_runtime.consumers.index import ApiConsumers, Directory
    from gateway_runtime.policies.runtime import BindingRuntime

    runtime = BindingRuntime(
        api="a", binding="b", definition=policy, consumers=ApiConsumers(Directory(), ()), clock=lambda: 0.0, kept={}
    )
    with pytest.raises(LookupError):
        runtime.refusal("something_else")


def test_reason_codes_belong_to_one_policy_each() -> None:
    codes = [refusal.code for policy in all_definitions() for refusal in policy.refusals]
    assert len(codes) == len(set(codes))
