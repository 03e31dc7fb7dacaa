"""The path patterns of many routes asked all at once, so that the last route costs what the first one does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import re2

from gateway_runtime.routing.rules import OPTIONS

if TYPE_CHECKING:
    from gateway_runtime.routing.compiled import CompiledRoute
    from gateway_runtime.routing.rules import CompiledRule

# Fewer are asked one by one: a set costs about as much as two patterns.
_WORTH_IT = 3


# A route and those of its alternatives that still have to be asked; None: it holds.
Candidate = tuple["CompiledRoute", "tuple[CompiledRule, ...] | None"]


class PathSet:
    """Tells which routes hold as far as the path goes. What else their rules ask for is for each rule to say."""

    __slots__ = ("_all", "_owners", "_patterns", "_single")

    # Every path holds for it, so that no hit at all means that the set has run out of its memory.
    _ANYTHING = b".*"

    def __init__(self, routes: Sequence[CompiledRoute]) -> None:
        self._all: tuple[Candidate, ...] = tuple((route, route.rules) for route in routes)
        # By the number of a pattern: the route it is from, and what to ask when no other pattern holds.
        owners: list[int] = []
        single: list[tuple[Candidate, ...]] = []
        patterns = re2.Set.FullMatchSet(OPTIONS)
        for number, route in enumerate(routes):
            for rule in route.rules or (None,):
                patterns.Add(b".*" if rule is None else rule.path_pattern)
                owners.append(number)
                rest = None if rule is None else rule.besides_path()
                single.append(((route, None if rest is None else (rest,)),))
        patterns.Add(self._ANYTHING)
        patterns.Compile()
        self._owners = tuple(owners)
        self._single = tuple(single)
        self._patterns = patterns

    def candidates(self, path: bytes) -> Sequence[Candidate]:
        """Return the routes to ask, in their order, with what to ask them.

        All of them where the set has run out of its memory: a route must not be passed over.
        """
        hits = self._patterns.Match(path)
        if not hits:
            return self._all
        owners = self._owners
        anything = len(owners)
        if len(hits) == 2:
            # In no order.
            return self._single[hits[0] if hits[0] != anything else hits[1]]
        # Alternatives may change the path differently: of a route with several, each is asked as it stands.
        return [self._all[number] for number in sorted({owners[hit] for hit in hits if hit != anything})]


def path_set(routes: Sequence[CompiledRoute]) -> PathSet | None:
    """Return the set of an API's routes, None where asking them one by one is as good."""
    if sum(route.rules is not None for route in routes) < _WORTH_IT:
        return None
    try:
        return PathSet(routes)
    except re2.error:
        return None  # too much for one set
