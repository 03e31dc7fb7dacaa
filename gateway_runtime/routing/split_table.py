"""A port on which two revisions answer: each request comes to the one or the other by chance."""

from __future__ import annotations

from random import random

from gateway_runtime.routing.compiled import CompiledApi
from gateway_runtime.routing.table import PortTable


class SplitTable(PortTable):
    """Stands where the table of a port stands, so that ports with one table know nothing of it."""

    __slots__ = ("_candidate", "_share", "_stable")

    def __init__(self, stable: PortTable, candidate: PortTable, share: float) -> None:
        self._stable = stable
        self._candidate = candidate
        self._share = share

    def find(self, path: bytes) -> CompiledApi | None:
        """Return the API that owns this canonical path under the revision that chance has chosen."""
        chosen = self._candidate if random() < self._share else self._stable  # noqa: S311 - no secret depends on it
        return chosen.find(path)
