"""YAML by the rules of JSON: a document is built from parser events, with everything bounded."""

import math
import re
from typing import Any

import yaml

from gateway_runtime.specification.faults import MAX_DEPTH, MAX_VALUES, SpecificationFault, shown, too_deep, too_many

LONGEST_NUMBER = 100

_TAGS = (None, "!", "tag:yaml.org,2002:str")
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")


class _Open:
    """A list or mapping being built. `weight`: how many values it holds, aliases counted as if written out."""

    __slots__ = ("anchor", "key", "value", "weight")

    def __init__(self, value: Any, anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None
        self.weight = 1


def read_yaml(text: str) -> Any:
    """Return the document in a text. Raises `SpecificationFault`."""
    try:
        return _Builder().build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" in line {mark.line + 1}" if mark else ""
        problem = (error.problem or error.context or "it cannot be read").rstrip(".")
        raise SpecificationFault(f"The specification is no valid YAML{line}: {problem}.") from None
    except yaml.YAMLError:
        raise SpecificationFault("The specification has a character that YAML does not allow.") from None


class _Builder:
    """Builds one document from parser events: nesting takes no stack, and no tag makes an object."""

    def __init__(self) -> None:
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._result: Any = None

    def build(self, text: str) -> Any:
        documents = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            top = self._stack[-1] if self._stack else None
            at_key = top is not None and top.key is None and isinstance(top.value, dict)
            tag = getattr(event, "tag", None)
            if tag not in _TAGS:
                raise SpecificationFault(f"The YAML tag “{shown(str(tag))}” has no meaning in a specification.")
            if isinstance(event, yaml.ScalarEvent):
                if at_key:
                    assert top is not None
                    top.key = _key(event.value, top.value)
                else:
                    self._place(_scalar(event), 1, event.anchor)
            elif isinstance(event, yaml.AliasEvent):
                if at_key or event.anchor not in self._anchors:
                    raise SpecificationFault(f"The alias “*{shown(str(event.anchor))}” means nothing before it.")
                self._place(*self._anchors[event.anchor], None)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                if at_key:
                    raise SpecificationFault("A key of the specification is not text.")
                if len(self._stack) >= MAX_DEPTH:
                    raise too_deep()
                self._stack.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor))
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                ended = self._stack.pop()
                self._place(ended.value, ended.weight, ended.anchor)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise SpecificationFault("There are several documents in the specification.")
        return self._result

    def _place(self, value: Any, weight: int, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = (value, weight)
        if not self._stack:
            self._result = value
            return
        top = self._stack[-1]
        top.weight += weight
        if top.weight > MAX_VALUES:
            raise too_many()
        if isinstance(top.value, list):
            top.value.append(value)
        else:
            top.value[top.key] = value
            top.key = None


def _key(text: str, mapping: dict[str, Any]) -> str:
    if text == "<<":
        raise SpecificationFault("Merge keys (<<) are no part of OpenAPI: write the values out.")
    if text in mapping:
        raise SpecificationFault(f"The key “{shown(text)}” is twice in one object of the specification.")
    return text


def _scalar(event: Any) -> Any:
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if len(text) <= LONGEST_NUMBER:
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            number = float(text)
            return number if math.isfinite(number) else text
    return text
