"""What the launcher says on the terminal."""

import itertools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

COLOURS = itertools.cycle(("36", "33", "32", "35", "34", "96", "93", "92", "95"))


class Terminal:
    """Progress lines with ticks and times; in verbose mode also every process's log behind its coloured name."""

    def __init__(self, *, verbose: bool = False, stream: TextIO | None = None) -> None:
        self.verbose = verbose
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty() and not verbose
        self._colour = self._stream.isatty() and "NO_COLOR" not in os.environ
        self._prefixes: dict[str, str] = {}
        self.unicode = (getattr(self._stream, "encoding", "") or "").lower().startswith("utf")
        self._tick, self._cross = ("✓", "✗") if self.unicode else ("ok", "x")

    def line(self, text: str = "") -> None:
        """Write one line."""
        clear = "\r\x1b[K" if self._live else ""
        print(f"{clear}{text}", file=self._stream, flush=True)

    def paint(self, text: str, code: str) -> str:
        """Return the text in a colour, where there are colours."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show a step while it runs, then its tick and time."""
        self.waiting(title)
        started = time.monotonic()
        try:
            yield
        except BaseException:
            self.line(f"  {self.paint(self._cross, '31')} {title}")
            raise
        self.done(title, time.monotonic() - started)

    def waiting(self, title: str) -> None:
        """Show what is being done, where a line can be written over."""
        if self._live:
            print(f"\r\x1b[K    {title} …", end="", file=self._stream, flush=True)

    def done(self, title: str, seconds: float) -> None:
        """Tick a step off."""
        self.line(f"  {self.paint(self._tick, '32')} {title:<44}{seconds:5.1f} s")

    def problem(self, sentence: str, log: list[str] | None = None) -> None:
        """Say what went wrong, after the end of the log that shows why."""
        for entry in log or []:
            self.line(f"    {entry}")
        self.line(f"{self.paint('portico:', '31')} {sentence}")

    def log(self, name: str, text: str) -> None:
        """Show one line of a process's log."""
        prefix = self._prefixes.get(name)
        if prefix is None:
            prefix = self._prefixes[name] = self.paint(f"{name:<13}│", next(COLOURS))
        self.line(f"{prefix} {text}")
