"""Which schemas lead back to themselves in several ways at once.

The validator remembers what it has found where it only tells whether a value fits. Where it tells what does not fit it
goes every way anew, so that each level of a value multiplies the ways.
"""

from typing import Any

from gateway_runtime.specification.keywords import NAMED, ONE, SAME_VALUE, SEVERAL, held

# Look into different parts of a value, so only the most ways of one of them count.
_APART = ("properties", "prefixItems")
_INTO = tuple(key for key in (*ONE, *SEVERAL, *NAMED) if key not in (*SAME_VALUE, *_APART))


class Recursion:
    """Knows the definitions of one document. Each is gone through once."""

    def __init__(self, definitions: dict[str, Any], needs: dict[str, set[str]]) -> None:
        self._definitions = definitions
        self._needs = needs
        self._multiplies: dict[str, bool] = {}

    def multiplies(self, names: set[str]) -> bool:
        """Tell whether one of several definitions may look at one part of a value in several ways without end.

        Everything that they need is among them.
        """
        new = names - self._multiplies.keys()
        if new:
            endless = _endless(names, self._needs)
            for name in new:
                self._multiplies[name] = name in endless and _ways(self._definitions[name], endless) > 1
        return any(self._multiplies[name] for name in names)


def _endless(names: set[str], needs: dict[str, set[str]]) -> set[str]:
    """Return the definitions that are in a cycle or lead to one: those left when all that end are taken away."""
    users: dict[str, list[str]] = {}
    for name in names:
        for need in needs[name]:
            users.setdefault(need, []).append(name)
    open_needs = {name: len(needs[name]) for name in names}
    waiting = [name for name, count in open_needs.items() if count == 0]
    for name in waiting:
        for user in users.get(name, ()):
            open_needs[user] -= 1
            if open_needs[user] == 0:
                waiting.append(user)
    return names.difference(waiting)


def _ways(part: Any, endless: set[str]) -> int:
    if not isinstance(part, dict):
        return 0
    ways = 1 if "$ref" in part and part["$ref"].rpartition("/")[2] in endless else 0
    ways += sum(_ways(each, endless) for key in (*SAME_VALUE, *_INTO) if key in part for each in held(part, key))
    return ways + sum(
        max((_ways(each, endless) for each in held(part, key)), default=0) for key in _APART if key in part
    )
