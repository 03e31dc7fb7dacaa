"""The settings of a struct type as a tree: single controls, sections (nested structs) and rows (lists of structs)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Union

import msgspec

from gateway_runtime.schema.expression import KEY
from portal.core.setting_forms.controls import OMIT, Control, Setting, control, readable

Node = Union[Control, "Section", "Rows"]
# Posted beside the settings of a part that has a switch. No setting begins with an underscore.
SWITCH = "_on"
_INDEX = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The settings of one struct."""

    setting: Setting
    nodes: tuple[Node, ...]

    def value(self, cleaned: Mapping[str, Any], path: str = "") -> Any:
        """Return the struct as plain data from cleaned form values, or `OMIT`."""
        if self.setting.switch and not cleaned.get(join(path, SWITCH)):
            return OMIT
        found: dict[str, Any] = {}
        for node in self.nodes:
            place = join(path, node.setting.name)
            value = node.value(cleaned.get(place)) if isinstance(node, Control) else node.value(cleaned, place)
            if value is not OMIT:
                found[node.setting.name] = value
        if (
            path
            and self.setting.nullable
            and not self.setting.switch
            and not any(value not in ("", [], False) for value in found.values())
        ):
            return OMIT
        return found

    def is_blank(self, data: Mapping[str, Any], path: str) -> bool:
        """Tell whether nothing was typed into the controls that begin with `path`."""
        telling = [node for node in self.nodes if not isinstance(node, Control) or node.telling]
        return bool(telling) and all(
            data.get(join(path, node.setting.name), "") in ("", None)
            if isinstance(node, Control)
            else not any(name.startswith(f"{join(path, node.setting.name)}.") for name in data)
            for node in telling
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A list of structs."""

    setting: Setting
    item: Section
    at_least: int = 0

    def value(self, cleaned: Mapping[str, Any], path: str) -> Any:
        """Return the rows as plain data, or `OMIT`."""
        indexes = row_indexes(cleaned, path)
        rows = [self.item.value(cleaned, f"{path}.{index}") for index in indexes]
        return OMIT if not rows and self.setting.nullable else rows


def join(path: str, name: str) -> str:
    """Return the field name of a setting below a path."""
    return f"{path}.{name}" if path else name


def field_path(path: str) -> str:
    """Return a fault's path as fields are named: `rateLimits[0].maximumRequests` → `rateLimits.0.maximumRequests`."""
    return _INDEX.sub(r".\1", path)


def row_indexes(names: Mapping[str, Any], path: str) -> list[int]:
    """Return the row numbers that occur in field names below `path`."""
    start = f"{path}."
    found = {name[len(start) :].partition(".")[0] for name in names if name.startswith(start)}
    return sorted(int(index) for index in found if index.isascii() and index.isdecimal() and len(index) <= 6)


def outline_without(section: Section, *paths: str) -> Section:
    """Return an outline without some of its settings, by their paths."""
    nodes: list[Node] = []
    for node in section.nodes:
        name = node.setting.name
        if name in paths:
            continue
        inner = [path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}.")]
        nodes.append(outline_without(node, *inner) if inner and isinstance(node, Section) else node)
    return Section(setting=section.setting, nodes=tuple(nodes))


@cache
def outline(config: type[msgspec.Struct]) -> Section:
    """Return the tree of a type's settings."""
    return _section(Setting(name="", title="", help=""), msgspec.inspect.type_info(config))


def _section(setting: Setting, info: Any) -> Section:
    return Section(setting=setting, nodes=tuple(_nodes(info)))


def _nodes(info: Any) -> Iterator[Node]:
    for field in info.fields:
        kind, title, help_, extra = _unwrapped(field.type)
        kind, nullable = _without_none(kind)
        kind, inner_title, inner_help, inner_extra = _unwrapped(kind)
        extra = {**inner_extra, **extra}
        default = field.default
        if default is msgspec.NODEFAULT:
            default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else None
        setting = Setting(
            name=field.encode_name,
            title=title or inner_title or readable(field.encode_name),
            help=help_ or inner_help,
            placeholder=extra.get("placeholder", ""),
            only_with=extra.get("only_with", ""),
            secret=bool(extra.get("secret")),
            switch=bool(extra.get("switch")),
            choices=tuple(extra.get("choices", ())),
            verbatim=bool(extra.get("verbatim")),
            unit=extra.get("unit", ""),
            required=field.required,
            nullable=nullable,
            default=default,
            expression=extra.get(KEY),
        )
        yield _node(setting, kind)


def _node(setting: Setting, kind: Any) -> Node:
    if isinstance(kind, msgspec.inspect.StructType):
        return _section(setting, kind)
    if isinstance(kind, msgspec.inspect.ListType):
        item = _unwrapped(kind.item_type)[0]
        if isinstance(item, msgspec.inspect.StructType):
            return Rows(setting=setting, item=_section(setting, item), at_least=kind.min_length or 0)
    return control(setting, kind)


def _unwrapped(info: Any) -> tuple[Any, str, str, dict[str, Any]]:
    """Return a type without its metadata, and the metadata: title, help, extra."""
    title, help_ = "", ""
    extra: dict[str, Any] = {}
    while isinstance(info, msgspec.inspect.Metadata):
        schema = info.extra_json_schema or {}
        title, help_ = title or schema.get("title", ""), help_ or schema.get("description", "")
        extra = {**(info.extra or {}), **extra}
        info = info.type
    return info, title, help_, extra


def _without_none(info: Any) -> tuple[Any, bool]:
    if not isinstance(info, msgspec.inspect.UnionType):
        return info, False
    types = [t for t in info.types if not isinstance(t, msgspec.inspect.NoneType)]
    return (types[0] if len(types) == 1 else info), len(types) < len(info.types)


def shown_value(config: Any, setting: Setting) -> Any:
    """Return a setting's value in `config`, else its default. Structs of defaults are read as plain data."""
    if isinstance(config, msgspec.Struct):
        config = msgspec.to_builtins(config)
    if isinstance(config, Mapping) and setting.name in config:
        return config[setting.name]
    return setting.default
