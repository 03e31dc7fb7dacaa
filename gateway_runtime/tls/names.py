"""Which certificate is for which host name: the name that a caller gives before the handshake (SNI)."""

from __future__ import annotations

import re
from typing import Generic, TypeVar

_match_name = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]|\.(?=[a-z0-9_]))*").fullmatch

T = TypeVar("T")


def plain_name(name: str) -> str | None:
    """Return a host name in the form that is compared, or None when it is none. A wildcard is a whole first label."""
    name = name.lower().removesuffix(".")
    return name if _match_name(name) else None


class NameTable(Generic[T]):
    """Finds by exact name first, then by the wildcard that stands for the name's first label."""

    __slots__ = ("_exact", "_wildcard")

    def __init__(self) -> None:
        self._exact: dict[str, T] = {}
        self._wildcard: dict[str, T] = {}

    def add(self, name: str, value: T) -> bool:
        """Add a `plain_name`. The first one that is added for a name stays: return whether it was."""
        table, key = (self._wildcard, name[2:]) if name.startswith("*.") else (self._exact, name)
        return table.setdefault(key, value) == value

    def find(self, name: str) -> T | None:
        """Return what was added for a name as it came from a caller."""
        name = name.lower()
        found = self._exact.get(name)
        return found if found is not None else self._wildcard.get(name.partition(".")[2])
