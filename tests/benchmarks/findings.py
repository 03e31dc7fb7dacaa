"""What a benchmark has found: tables that read well on a terminal and are Markdown, and the goals that were missed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

# Says how far a benchmark is.
Progress = Callable[[str], None]


@dataclass
class Findings:
    """The tables and sentences of one benchmark in their order, and the goals it missed."""

    parts: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table. The first column is text, the others are numbers."""
        widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        self.parts.append("\n".join(_line(row, widths) for row in (head, rule, *rows)))

    def say(self, sentence: str) -> None:
        """Add a paragraph."""
        self.parts.append(sentence)

    def judge(self, name: str, measured: float, goal: float, unit: str = "") -> str:
        """Return a goal as a cell of a table, and note when it was missed. There is none at infinity."""
        if goal == float("inf"):
            return ""
        shown = f"{goal:g}{unit}"
        if measured <= goal:
            return shown
        self.missed.append(f"{name}: {measured:.2f}{unit}, the goal is {shown}")
        return f"{shown} MISSED"

    def __str__(self) -> str:
        return "\n\n".join(self.parts)


def replace_section(page: str, name: str, text: str) -> str:
    """Return a page with what stands between the marks of one benchmark replaced, added at the end where none are."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    section = f"{begin}\n{text.strip()}\n{end}"
    if begin in page and end in page:
        return re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: section, page, flags=re.DOTALL)
    return f"{page.rstrip()}\n\n{section}\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *others]) + " |"
