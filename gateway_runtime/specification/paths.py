"""From a path to its template: plain segments before ones with parameters, as OpenAPI has it."""

import re
from typing import Any, NamedTuple
from urllib.parse import quote

import re2

from gateway_runtime.specification.faults import SpecificationFault, shown

MOST_SEGMENTS = 60

_NAME = re.compile(r"\{([^{}]*)\}")
# What stands in a path as it is; the rest is escaped there, so templates are compared escaped.
_UNESCAPED = "!$%&'()*+,-.:;=@_~"


class Found(NamedTuple):
    """What stands at a template, and the parts of the path that are its parameters, as they were sent."""

    value: Any
    parameters: dict[str, str]


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

    def find(self, path: str) -> Found | None:
        """Return what stands at the template that a path fits, None where there is none."""
        segments = path[1:].split("/")
        return _find(self._root, segments, 0, [])


def _find(node: _Node, segments: list[str], at: int, values: list[str]) -> Found | None:
    if at == len(segments):
        if node.value is None:
            return None
        return Found(node.value, dict(zip(node.names, values, strict=True)))
    segment = segments[at]
    below = node.below.get(segment)
    if below is not None:
        found = _find(below, segments, at + 1, values)
        if found is not None:
            return found
    for _, pattern, inner in node.patterns:
        match = pattern.fullmatch(segment)
        if match is not None:
            found = _find(inner, segments, at + 1, [*values, *match.groups()])
            if found is not None:
                return found
    if node.wildcard is not None and segment:
        return _find(node.wildcard, segments, at + 1, [*values, segment])
    return None


def _quoted(text: str) -> str:
    quoted: str = re2.escape(text)
    return quoted
