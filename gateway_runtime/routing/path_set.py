"""The path patterns of many routes asked all at once, so that the last route costs what the first one does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import re2

from gateway_runtime.routing.rules import OPTIONS

if TYPE_CHECKING:
    from gateway_runtime.routing.compiled import CompiledRoute

# Fewer are asked one by one: a set costs about as much as two patterns.
_WORTH_IT = 3


class PathSet:
    """Tells which routes can hold for a path at all. Whether they do is for each route to say."""

    __slots__ = ("_owners", "_patterns", "_routes")

    def __init__(self, routes: Sequence[CompiledRoute]) -> None:
        self._routes = tuple(routes)
        owners: list[int] = []
        patterns = re2.Set.FullMatchSet(OPTIONS)
        for number, route in enumerate(self._routes):
            for path in [b".*"] if route.rules is None else [rule.path_pattern for rule in route.rules]:
                patterns.Add(path)
                owners.append(number)
        patterns.Compile()
        self._owners = tuple(owners)
        self._patterns = patterns

    def candidates(self, path: bytes) -> Sequence[CompiledRoute]:
        """Return the routes to ask, in their order.

        All of them where the set names none: it says the same when it has run out of its memory, and then a route
        must not be passed over.
        """
        hits = self._patterns.Match(path)
        if not hits:
            return self._routes
        owners, routes = self._owners, self._routes
        if len(hits) == 1:
            return (routes[owners[hits[0]]],)
        return [routes[number] for number in sorted({owners[hit] for hit in hits})]


def path_set(routes: Sequence[CompiledRoute]) -> PathSet | None:
    """Return the set of an API's routes, None where asking them one by one is as good."""
    if sum(route.rules is not None for route in routes) < _WORTH_IT:
        return None
    try:
        return PathSet(routes)
    except re2.error:
        return None  # too much for one set
