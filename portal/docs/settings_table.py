"""A policy's settings as rows of a table: name, meaning, what may stand there, what stands there otherwise."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway_runtime.schema.policy import PolicyConfig
from portal.core.setting_forms.controls import Control, Setting
from portal.core.setting_forms.outline import Node, Rows, Section, join, outline


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One setting. `name` is its path as in files and REST: `rateLimits[].maximumRequests`."""

    name: str
    title: str
    help: str
    values: str
    default: str
    required: bool
    secret: bool

    @property
    def parent(self) -> str:
        """Return the path of what this setting belongs to, or an empty string."""
        return self.name.rpartition(".")[0]

    @property
    def leaf(self) -> str:
        """Return the name within its parent."""
        return self.name.rpartition(".")[2]


def setting_rows(config: type[PolicyConfig]) -> list[SettingRow]:
    """Return every setting of a policy, nested ones after the one they belong to."""
    return list(_rows(outline(config).nodes, ""))


def _rows(nodes: tuple[Node, ...], path: str) -> Iterator[SettingRow]:
    for node in nodes:
        name = join(path, node.setting.name)
        if isinstance(node, Control):
            yield _row(node.setting, name, _allowed(node))
        elif isinstance(node, Rows):
            yield _row(node.setting, f"{name}[]", "a list")
            yield from _rows(node.item.nodes, f"{name}[]")
        elif isinstance(node, Section):
            yield _row(node.setting, name, "an object")
            yield from _rows(node.nodes, name)


def _allowed(node: Control) -> str:
    """Say what may stand in a control; of an expression what it gives."""
    takes = node.setting.expression
    return _values(node.type) if takes is None else takes.words


def _row(setting: Setting, name: str, values: str) -> SettingRow:
    return SettingRow(
        name=name,
        title=setting.title,
        help=setting.help,
        values=values,
        default="" if setting.required else _written(setting.default),
        required=setting.required,
        secret=setting.secret,
    )


def _written(value: Any) -> str:
    if value is None:
        return "not set"
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)


def _values(info: Any) -> str:
    """Say in words what a type takes."""
    kinds = msgspec.inspect
    if isinstance(info, kinds.Metadata):
        return _values(info.type)
    if isinstance(info, kinds.BoolType):
        return "true or false"
    if isinstance(info, (kinds.IntType, kinds.FloatType)):
        return _between("a whole number" if isinstance(info, kinds.IntType) else "a number", info)
    if isinstance(info, kinds.EnumType):
        return " · ".join(str(member.value) for member in info.cls)
    if isinstance(info, kinds.LiteralType):
        return " · ".join(map(str, info.values))
    if isinstance(info, (kinds.ListType, kinds.SetType, kinds.FrozenSetType)):
        return f"a list; each: {_values(info.item_type)}"
    if isinstance(info, kinds.StrType):
        return f"text, at most {info.max_length} characters" if info.max_length else "text"
    return "any JSON"


def _between(words: str, info: Any) -> str:
    lowest = info.ge if info.ge is not None else info.gt
    highest = info.le if info.le is not None else info.lt
    if lowest is not None and highest is not None:
        return f"{words} from {lowest:,} to {highest:,}".replace(",", "\u202f")
    if lowest is not None:
        return f"{words}, {lowest:,} or more".replace(",", "\u202f")
    return f"{words}, at most {highest:,}".replace(",", "\u202f") if highest is not None else words
