"""How often schemas look at one and the same value: the validator takes stack and time for each look."""

from collections.abc import Iterable
from typing import Any

from gateway_runtime.specification.faults import SpecificationFault
from gateway_runtime.specification.keywords import NAMED, ONE, SAME_VALUE, SEVERAL, held

# How often one value may be looked at in turn before a part of it is, and how often in all.
LONGEST_CHAIN = 40
MOST_LOOKS = 10_000


class Chains:
    """Refuses schemas that look at one value again and again. Each of the definitions is gone through once."""

    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        # By name: the longest chain, and all looks.
        self._known: dict[str, tuple[int, int]] = {}
        self._open: set[str] = set()
        self._checked: set[str] = set()

    def check(self, schema: Any, names: Iterable[str]) -> None:
        """Check a schema and the definitions that it needs. Raises `SpecificationFault`."""
        self._every(schema)
        for name in names:
            if name not in self._checked:
                self._checked.add(name)
                self._every(self._definitions[name])

    def _every(self, schema: Any) -> None:
        waiting = [schema]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                self._looks(part)
                waiting += [each for key in (*ONE, *SEVERAL, *NAMED) if key in part for each in held(part, key)]

    def _looks(self, part: Any) -> tuple[int, int]:
        """Return the longest chain of looks at the value of a schema, and how many there are in all."""
        if not isinstance(part, dict):
            return 0, 1
        longest, looks = 0, 1
        found = [self._named(part["$ref"].rpartition("/")[2])] if "$ref" in part else []
        found += [self._looks(each) for key in SAME_VALUE if key in part for each in held(part, key)]
        for length, count in found:
            longest = max(longest, 1 + length)
            looks += count
        if longest > LONGEST_CHAIN:
            raise _too_long()
        if looks > MOST_LOOKS:
            raise SpecificationFault(f"A schema of the specification looks at one value more than {MOST_LOOKS} times.")
        return longest, looks

    def _named(self, name: str) -> tuple[int, int]:
        if name in self._open:
            raise SpecificationFault("A schema of the specification leads back to itself without going into its value.")
        if name not in self._known:
            if len(self._open) > LONGEST_CHAIN:
                raise _too_long()
            self._open.add(name)
            self._known[name] = self._looks(self._definitions[name])
            self._open.discard(name)
        return self._known[name]


def _too_long() -> SpecificationFault:
    return SpecificationFault(f"A schema of the specification is made of more than {LONGEST_CHAIN} in a row.")
