"""From a path to its template: plain segments before ones with parameters, as OpenAPI has it."""

import re
from typing import Any
from urllib.parse import quote

import re2

from gateway_runtime.specification.faults import SpecificationFault, shown

MOST_SEGMENTS = 60

_NAME = re.compile(r"\{([^{}]*)\}")
# What stands in a path as it is; the rest is escaped there, so templates are compared escaped.
_UNESCAPED = "!$%&'()*+,-.:;=@_~"


class _Node:
    __slots__ = ("below", "names", "patterns", "value", "wildcard")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        # Segments with text around their parameters: the pattern and what is below.
        self.patterns: list[tuple[str, Any, _Node]] = []
        self.wildcard: _Node | None = None
        self.value: Any = None
        # The names of the template's parameters, in order.
        self.names: tuple[str, ...] = ()


class PathTable:
    """All templates of a specification."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, template: str, value: Any) -> tuple[str, ...]:
        """Add a template and return the names of its parameters. Raises `SpecificationFault`."""
        if not template.startswith("/"):
            raise SpecificationFault(f"The path “{shown(template)}” of the specification does not begin with “/”.")
        segments = template[1:].split("/")
        if len(segments) > MOST_SEGMENTS:
            raise SpecificationFault(f"The path “{shown(template)}” has more than {MOST_SEGMENTS} parts.")
        node, names = self._root, []
        for segment in segments:
            names += _NAME.findall(segment)
            node = self._step(node, segment, template)
        if len(names) != len(set(names)):
            raise SpecificationFault(f"The path “{shown(template)}” of the specification has a parameter twice.")
        if node.value is not None:
            raise SpecificationFault(f"The path “{shown(template)}” of the specification is there twice.")
        node.value, node.names = value, tuple(names)
        return node.names

    def _step(self, node: _Node, segment: str, template: str) -> _Node:
        plain = _NAME.split(segment)
        plain[::2] = [each if "{" in each or "}" in each else quote(each, safe=_UNESCAPED) for each in plain[::2]]
        if any("{" in each or "}" in each for each in plain[::2]):
            raise SpecificationFault(
                f"The path “{shown(template)}” of the specification has a brace without its other."
            )
        if len(plain) == 1:
            return node.below.setdefault(plain[0], _Node())
        if len(plain) == 3 and plain[0] == plain[2] == "":
            if node.wildcard is None:
                node.wildcard = _Node()
            return node.wildcard
        source = _quoted(plain[0]) + "".join(f"(.+?){_quoted(text)}" for text in plain[2::2])
        for known, _, below in node.patterns:
            if known == source:
                return below
        below = _Node()
        # Linear in the length of the segment, however many parameters it has.
        node.patterns.append((source, re2.compile(source), below))
        node.patterns.sort(key=lambda each: -len(each[0]))
        return below

    def find(self, path: str) -> tuple[Any, dict[str, str]] | None:
        """Return what stands at the template that a path fits, None where there is none.

        With it come the parts of the path that are its parameters, as they were sent.
        """
        return _find(self._root, path[1:].split("/"), 0, [])


def _find(node: _Node, segments: list[str], at: int, values: list[str]) -> tuple[Any, dict[str, str]] | None:
    end = len(segments)
    while at < end:
        segment = segments[at]
        at += 1
        below, wildcard = node.below.get(segment), node.wildcard if segment else None
        if node.patterns or (below is not None and wildcard is not None):
            return _find_in_several(node, segments, at, values)
        if below is not None:
            node = below
        elif wildcard is not None:
            values = [*values, segment]
            node = wildcard
        else:
            return None
    return None if node.value is None else (node.value, dict(zip(node.names, values, strict=True)))


def _find_in_several(node: _Node, segments: list[str], at: int, values: list[str]) -> tuple[Any, dict[str, str]] | None:
    """Return what is found on the first way that leads to something, of those for the segment before `at`."""
    segment = segments[at - 1]
    below = node.below.get(segment)
    if below is not None:
        found = _find(below, segments, at, values)
        if found is not None:
            return found
    for _, pattern, inner in node.patterns:
        match = pattern.fullmatch(segment)
        if match is not None:
            found = _find(inner, segments, at, [*values, *match.groups()])
            if found is not None:
                return found
    if node.wildcard is not None and segment:
        return _find(node.wildcard, segments, at, [*values, segment])
    return None


def _quoted(text: str) -> str:
    quoted: str = re2.escape(text)
    return quoted
