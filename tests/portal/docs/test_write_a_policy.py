"""The policy on the page “Write a policy” is run as it stands there."""

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from gateway_runtime.policies import registry
from gateway_runtime.policies.rules import broken_rules
from gateway_runtime.schema.policy import PolicyDefinition
from portal.docs import library
from portal.docs.settings_table import setting_rows

POLICY, TESTS = re.findall(r"```python\n(.*?)```", library.pages()["guides", "write-a-policy"].text, re.DOTALL)


def module(name: str, source: str) -> ModuleType:
    """Return what a file with this source would be."""
    made = ModuleType(name)
    exec(compile(source, f"write-a-policy.md: {name}", "exec"), vars(made))
    return made


TESTS_OF_THE_PAGE = [test for name, test in vars(module("tests", TESTS)).items() if name.startswith("test_")]


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> PolicyDefinition:
    """The policy of the page, registered as the page says."""
    definition: PolicyDefinition = module("repair_work", POLICY).DEFINITION
    monkeypatch.setitem(registry._BY_NAME, definition.name, definition)
    return definition


def test_the_policy_breaks_no_rule(policy: PolicyDefinition) -> None:
    assert list(broken_rules(policy)) == []


@pytest.mark.parametrize("test", TESTS_OF_THE_PAGE, ids=lambda test: test.__name__)
def test_the_tests_of_the_page_pass(test: Callable[[], Any], policy: PolicyDefinition) -> None:
    test()


def test_the_page_has_tests() -> None:
    assert len(TESTS_OF_THE_PAGE) == 2


def test_its_settings_become_a_table(policy: PolicyDefinition) -> None:
    rows = {row.name: row for row in setting_rows(policy.config)}
    assert rows["bypassValue"].secret
    assert rows["bypassHeader"].default == '"x-repair-bypass"'
