"""YAML files to plain values that know their lines. What two readers could take for different things is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.place import Path, Place

# Aliases can make a small file a very large tree.
VALUES_LIMIT = 2_000_000
DEPTH_LIMIT = 100
# The values of these maps are compared as the text that stands in the file: `yes`, `true` and `007` stay what they are.
TEXT_MAPS = frozenset({"labels", "headers"})

_Base: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """Knows the scalars of YAML 1.2 and the yes and no of 1.1; dates, base 60 and octal numbers are text."""

    yaml_implicit_resolvers: dict[str, Any] = {}


_Loader.add_implicit_resolver(_TAG + "bool", re.compile(r"(?i:true|false|yes|no|on|off)\Z"), list("tTfFyYnNoO"))
_Loader.add_implicit_resolver(_TAG + "int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    _TAG + "float", re.compile(r"[-+]?(?:0|[1-9][0-9]*)?(?:\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z"), list("-+.0123456789")
)
_Loader.add_implicit_resolver(_TAG + "null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(_TAG + "merge", re.compile(r"<<\Z"), ["<"])


class Entry(NamedTuple):
    """One document of a file."""

    value: Any
    place: Place


def read_entries(file: str, content: bytes) -> list[Entry]:
    """Return the documents of a file that are not empty. Raises `FileFault`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileFault(file, line, "", "The file is not UTF-8.", "not_yaml") from error
    try:
        return list(_entries(file, text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "it cannot be read"
        message = f"This is not valid YAML: {problem}."
        raise FileFault(file, mark.line + 1 if mark else 1, "", message, "not_yaml") from error
    except yaml.YAMLError as error:
        found = re.search(r"position (\d+)", str(error))
        line = text.count("\n", 0, int(found[1])) + 1 if found else 1
        raise FileFault(file, line, "", "There is a character that YAML does not allow.", "not_yaml") from error
    except RecursionError as error:
        raise FileFault(file, 1, "", "It is nested too deeply.", "not_yaml") from error


def _entries(file: str, text: str) -> Iterator[Entry]:
    for node in yaml.compose_all(text, Loader=_Loader):
        reader = _Reader(file)
        value = reader.value(node, (), text=False)
        if value is not None:
            lines = {(): node.start_mark.line + 1, **reader.lines}
            yield Entry(value, Place(file, lines))


class _Reader:
    """Reads one document."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self._left = VALUES_LIMIT

    def _fault(self, node: yaml.Node, path: Path, message: str, code: str = "invalid_value") -> FileFault:
        place = Place(self.file, {path: node.start_mark.line + 1}, path)
        return place.fault(message, code)

    def value(self, node: yaml.Node, path: Path, *, text: bool) -> Any:
        self._left -= 1
        if self._left < 0 or len(path) > DEPTH_LIMIT:
            raise self._fault(node, (), "Its aliases make it too large or too deep.", "too_large")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, text=text)
        if isinstance(node, yaml.SequenceNode):
            values: list[Any] = []
            for index, item in enumerate(node.value):
                self.lines[*path, index] = item.start_mark.line + 1
                values.append(self.value(item, (*path, index), text=text))
            return values
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, path, text=text)

    def _mapping(self, node: yaml.MappingNode, path: Path, *, text: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._fault(key, path, "A key must be text.")
            if key.tag == _TAG + "merge":
                for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    content = self.value(each, path, text=text)
                    if not isinstance(content, dict):
                        raise self._fault(key, path, "Only a map can be merged with “<<”.")
                    merged = content | merged
                continue
            name = key.value
            inner = (*path, name)
            if name in found:
                raise self._fault(key, inner, f"The key “{name}” is there twice.", "duplicate_key")
            self.lines[inner] = key.start_mark.line + 1
            is_map = isinstance(value, yaml.MappingNode)
            as_text = text or (is_map and name in TEXT_MAPS and "config" not in path)
            found[name] = self.value(value, inner, text=as_text)
        return merged | found

    def _scalar(self, node: yaml.ScalarNode, path: Path, *, text: bool) -> Any:
        raw: str = node.value
        tag = node.tag.removeprefix(_TAG)
        if tag == "null" and not (text and path and raw == ""):
            return raw if text and raw else None
        if text or tag in ("str", "merge", "null"):
            return raw
        if tag == "bool":
            return raw.lower() in ("true", "yes", "on")
        if tag in ("int", "float"):
            try:
                return int(raw) if tag == "int" else float(raw)
            except ValueError:
                raise self._fault(node, path, f"“{raw[:40]}” is not a number.") from None
        raise self._fault(node, path, f"The YAML tag “{node.tag}” has no meaning here.")
