"""YAML by the rules of JSON (YAML 1.2), with everything bounded.

Built on parser events instead of PyYAML's constructors, so that nesting cannot exhaust the stack, aliases cannot
multiply the document, no tag makes an object, and `yes` or a date stay what the author wrote.
"""

import math
import re
from typing import Any

import yaml

from portal.catalog.openapi.faults import refuse
from portal.catalog.openapi.limits import LONGEST_NUMBER, MAX_DEPTH, MAX_VALUES, too_deep, too_many

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")


class _Node:
    """A list or mapping being built."""

    __slots__ = ("anchor", "key", "value", "weight")

    def __init__(self, value: Any, anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None
        # How many values it holds in all, aliases counted as if they were written out.
        self.weight = 1


def read_yaml(text: str) -> Any:
    """Return the one document in `text`. Raises `SpecificationRefused`."""
    try:
        return _build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        problem = (error.problem or "it cannot be read").rstrip(".")
        at = f" at column {mark.column + 1}" if mark else ""
        raise refuse(
            "not_yaml",
            f"This is not YAML: {problem}{at}. Mend the indentation or quotes there.",
            line=mark.line + 1 if mark else None,
        ) from error
    except yaml.YAMLError as error:
        raise refuse("not_yaml", f"This is not YAML: {str(error).splitlines()[0]}. Mend it there.") from error


def _build(text: str) -> Any:
    stack: list[_Node] = []
    anchors: dict[str, tuple[Any, int]] = {}
    result: Any = None
    documents = 0

    def place(value: Any, weight: int, line: int) -> None:
        nonlocal result
        if not stack:
            result = value
            return
        top = stack[-1]
        top.weight += weight
        if top.weight > MAX_VALUES:
            raise too_many()
        if isinstance(top.value, list):
            top.value.append(value)
        else:
            assert top.key is not None
            top.value[top.key] = value
            top.key = None

    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        mark: Any = event.start_mark
        line = mark.line + 1
        expects_key = bool(stack) and isinstance(stack[-1].value, dict) and stack[-1].key is None
        if isinstance(event, yaml.ScalarEvent):
            if expects_key:
                stack[-1].key = _key(event.value, stack[-1].value, line)
            else:
                value = _scalar(event, line)
                if event.anchor:
                    anchors[event.anchor] = (value, 1)
                place(value, 1, line)
        elif isinstance(event, yaml.AliasEvent):
            if expects_key or event.anchor not in anchors:
                raise refuse("alias_unknown", f"The alias *{event.anchor} refers to nothing before it.", line=line)
            place(*anchors[event.anchor], line)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if expects_key:
                raise refuse("key_not_text", "A key must be plain text. Put it in quotes.", line=line)
            if len(stack) >= MAX_DEPTH:
                raise too_deep(line)
            stack.append(_Node({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            node = stack.pop()
            if node.anchor:
                anchors[node.anchor] = (node.value, node.weight)
            place(node.value, node.weight, line)
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise refuse("several_documents", "There are several documents. Import one at a time.", line=line)
    return result


def _key(text: str, mapping: dict[str, Any], line: int) -> str:
    if text == "<<":
        raise refuse("merge_key", "Merge keys (<<) are not part of OpenAPI. Write the values out.", line=line)
    if text in mapping:
        raise refuse(
            "duplicate_key", f"The key “{text[:80]}” is there twice in one object. Remove one of them.", line=line
        )
    return text


def _scalar(event: Any, line: int) -> Any:
    text = event.value
    if not event.implicit[0]:
        # Quoted, or with a tag of its own, which is then ignored: text.
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) <= LONGEST_NUMBER:
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            number = float(text)
            return number if math.isfinite(number) else text
    return text
