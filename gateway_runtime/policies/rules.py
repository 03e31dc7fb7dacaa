"""What is asked of every policy, so that forms, files, documentation and answers can be made from it.

Custom policies that break a rule are not loaded; those of Portico are held to the same rules by a test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.policy import Phase, PolicyConfig, PolicyDefinition

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_SECTIONS = ("## When to use it", "## Example")


def broken_rules(policy: PolicyDefinition) -> Iterator[str]:
    """Yield a sentence for each rule that a policy breaks. Builds nothing."""
    for name in (policy.name, *policy.aliases):
        if not _NAME.fullmatch(name):
            yield f"its name “{name}” is not made of small letters, digits and single dashes."
    if not policy.title or not policy.summary.endswith("."):
        yield "it needs a title, and a summary that is a sentence."
    # One that only watches has none.
    if len(set(policy.phases)) != len(policy.phases) or (policy.phases and policy.shape is not None):
        yield f"its phases must be some of {', '.join(Phase)}, each once; none where it shapes its API."
    if isinstance(policy.config, type) and issubclass(policy.config, PolicyConfig):
        yield from _settings(policy.config)
        yield from _example(policy)
    else:
        yield "its settings are no PolicyConfig."
    yield from _refusals(policy)
    if not policy.documentation.startswith(f"# {policy.title}\n"):
        yield f"its documentation does not begin with “# {policy.title}”."
    for section in _SECTIONS:
        if section not in policy.documentation:
            yield f"its documentation has no section “{section}”."


def structs_in(type_: Any) -> list[type[Any]]:
    """Return a settings type and every settings type inside it."""
    found: list[type[Any]] = []

    def look(info: Any) -> None:
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in found:
                return
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


def _settings(config: Any) -> Iterator[str]:
    for struct in structs_in(config):
        if not (issubclass(struct, PolicyConfig) and struct.__struct_config__.frozen):
            yield f"its settings {struct.__name__} are no frozen PolicyConfig."
            continue
        for field in msgspec.inspect.type_info(struct).fields:  # type: ignore[attr-defined]
            schema = getattr(field.type, "extra_json_schema", None) or {}
            extra = getattr(field.type, "extra", None) or {}
            if (beside := extra.get("only_with", "")) and not _is_beside(beside, struct):
                yield f"its setting “{field.encode_name}” is only with “{beside}”, which no setting beside it can be."
            if "secret" not in extra:
                yield f"its setting “{field.encode_name}” is not described by setting(…)."
            elif extra["secret"] and struct is not config:
                # Whole settings are masked and kept; a deeper one would be shown.
                yield f"its setting “{field.encode_name}” is secret inside another one. Make the outer one secret."
            elif not schema.get("title") or not schema.get("description", "").endswith("."):
                yield f"its setting “{field.encode_name}” needs a title, and a help that is a sentence."


def _is_beside(condition: str, struct: Any) -> bool:
    """Tell whether a setting of the struct can have the value of `name=value`."""
    name, sign, value = condition.partition("=")
    field = next((f for f in msgspec.inspect.type_info(struct).fields if f.encode_name == name), None)  # type: ignore[attr-defined]
    if field is None or not sign:
        return False
    info = field.type
    while isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    if isinstance(info, msgspec.inspect.BoolType):
        return value in ("true", "false")
    choices = info.cls if isinstance(info, msgspec.inspect.EnumType) else getattr(info, "values", ())
    return value in {str(getattr(each, "value", each)) for each in choices}


def _example(policy: PolicyDefinition) -> Iterator[str]:
    try:
        config = convert(policy.example, policy.config)
        if convert(msgspec.to_builtins(config), policy.config) != config:
            yield "its example does not come back the same when it is written and read."
    except ConfigFault as fault:
        yield f"its example is wrong at “{fault.path}”: {fault.message}"


def _refusals(policy: PolicyDefinition) -> Iterator[str]:
    seen: set[str] = set()
    for refusal in policy.refusals:
        if refusal.code in seen or not _CODE.fullmatch(refusal.code):
            yield f"its code “{refusal.code}” is there twice, or not made of small letters, digits and single lines."
        seen.add(refusal.code)
        if not 400 <= refusal.status <= 599:
            yield f"its refusal “{refusal.code}” has the status {refusal.status}, which is none of 400 to 599."
        if not refusal.title or not refusal.detail.endswith("."):
            yield f"its refusal “{refusal.code}” needs a title, and a detail that is a sentence."
        row = f"| {refusal.status} | `{refusal.code}` |"
        if row not in policy.documentation:
            yield f"its refusal “{refusal.code}” has no row “{row} …” in the documentation."
