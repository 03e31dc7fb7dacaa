"""When a policy acts, as a part of its form: the mode, and the conditions on requests."""

import enum
from collections.abc import Mapping
from typing import Annotated, Any

from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.policy import PolicyConfig, PolicyDefinition, setting
from portal.apis.labels import labels_typed
from portal.apis.rules import RuleForm, Rules, shown_rules, typed_rules
from portal.core.setting_forms.outline import Section, outline

# No setting of a policy begins with an underscore, so the two never meet in one form.
PLACE = "_when"
_MODE_HELP = "Shadow lets every request pass and counts what would have been refused. Off leaves the policy out."


class _Mode(PolicyConfig, frozen=True):
    mode: Annotated[Mode, setting("Mode", _MODE_HELP)] = Mode.ENFORCE


class _OnOff(enum.StrEnum):
    ENFORCE = "enforce"
    OFF = "off"


class _PlainMode(PolicyConfig, frozen=True):
    mode: Annotated[_OnOff, setting("Mode", "Off leaves the policy out and keeps its settings.")] = _OnOff.ENFORCE


class _Conditions(PolicyConfig, frozen=True):
    rules: Annotated[
        list[RuleForm],
        setting("Conditions", "A request meets the policy when any one of these holds; without any, every request."),
    ] = []


class _Selector(PolicyConfig, frozen=True):
    selector: Annotated[
        list[str],
        setting(
            "API instances",
            "Labels that an instance must have, all of them, such as layer=system. Empty: every instance.",
        ),
    ] = []


def when_outline(policy: PolicyDefinition, *, automated: bool = False) -> Section:
    """Return the tree of what can be said about when a policy acts: on which instances, or on which requests."""
    modes = outline(_Mode if policy.can_shadow else _PlainMode)
    if automated:
        return Section(setting=modes.setting, nodes=(*outline(_Selector).nodes, *modes.nodes))
    if policy.whole_api:
        return modes
    return Section(setting=modes.setting, nodes=(*modes.nodes, *outline(_Conditions).nodes))


def shown_when(mode: str, rules: Rules) -> dict[str, Any]:
    """Return stored mode and conditions as the form shows them."""
    return {"mode": mode, "rules": shown_rules(rules)}


def typed_when(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed as services take it: `mode`, and `rules` or `selector` where the form has them.

    Raises `ApplicationError` for a selector that is none.
    """
    found: dict[str, Any] = {"mode": typed["mode"]} if "mode" in typed else {}
    if "rules" in typed:
        found["rules"] = typed_rules(typed["rules"])
    if "selector" in typed:
        found["selector"] = labels_typed("\n".join(typed["selector"]))
    return found
