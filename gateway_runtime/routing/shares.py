"""One of several ways by chance, each as often as its weight says."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import random
from typing import Generic, TypeVar

Way = TypeVar("Way")


class Shares(Generic[Way]):
    """Ways with their weights. Nothing is remembered: a caller's next request may go another way."""

    __slots__ = ("_ends", "_random", "_total", "ways")

    def __init__(self, ways: Sequence[Way], weights: Sequence[int], random: Callable[[], float] = random) -> None:
        self.ways = tuple(ways)
        self._ends = tuple(accumulate(weights))
        self._total = self._ends[-1]
        self._random = random

    def choose(self) -> Way:
        """Return one of the ways."""
        return self.ways[bisect(self._ends, self._random() * self._total)]
