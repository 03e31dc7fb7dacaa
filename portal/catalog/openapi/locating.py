"""Where in the text a part of the document is written."""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """Return the line, from 1, of the value at `path`, or of the nearest one around it. None when there is no telling.

    JSON is YAML enough for this, except when it is indented with tabs.
    """
    wanted = [str(step) for step in path]
    best: int | None = None
    try:
        for place, line in _places(text):
            if place == wanted[: len(place)]:
                best = line
                if len(place) == len(wanted):
                    break
    except yaml.YAMLError:
        return best
    return best


class _Open:
    """A mapping or sequence whose end has not been seen yet; `step` is the key or index of its present value."""

    __slots__ = ("at_key", "is_mapping", "step")

    def __init__(self, is_mapping: bool) -> None:
        self.is_mapping = is_mapping
        self.at_key = is_mapping
        self.step: Any = None if is_mapping else -1

    def advance(self, event: yaml.NodeEvent) -> bool:
        """Take the next node. Return whether it begins a value's line: a key, or an item of a sequence."""
        if not self.is_mapping:
            self.step += 1
            return True
        if self.at_key:
            self.step = getattr(event, "value", "")
        self.at_key = not self.at_key
        return not self.at_key


def _places(text: str) -> Iterator[tuple[list[str], int]]:
    """Yield the path and line of every value, in the order they are written."""
    around: list[_Open] = []
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            around.pop()
        elif isinstance(event, yaml.NodeEvent):
            if around and around[-1].advance(event):
                mark: Any = event.start_mark
                yield [str(part.step) for part in around], mark.line + 1
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                around.append(_Open(isinstance(event, yaml.MappingStartEvent)))
