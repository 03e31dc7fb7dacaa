"""A process to run: what it is, how it is started, how one knows that it is ready."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gateway_runtime.schema.revocation import EXIT_STATUS

# What systemd's `Restart=on-failure` calls a clean end: somebody stopped the process on purpose. The last is what a
# gateway says that was revoked.
CLEAN_EXITS = frozenset({0, -1, -2, -15, EXIT_STATUS})


class Output(Protocol):
    """What a probe may know about the process: its latest lines."""

    def has_said(self, text: str) -> bool:
        """Say whether the process has written a line with this text since it was started."""
        ...


Probe = Callable[[Output], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process of the plan."""

    name: str
    title: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(repr=False)
    folder: Path
    ready: Probe | None = None
    ready_within_s: float = 30.0
    # How long it may take to end by itself after SIGTERM.
    grace_s: float = 8.0
