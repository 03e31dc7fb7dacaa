"""Counting what an evaluation does, so that it ends after a known amount of work whatever a caller has sent.

Every round of a loop costs as many steps as its body has parts. A function, an operator and a comparison cost what they
look at and what they make: a step for each item of a list or an object and for every 16 characters of a text. No part
of the language does more than in proportion to that, so the steps bound time and memory alike.
"""

from collections.abc import Callable
from typing import Any

from gateway_runtime.expressions.errors import TOO_MANY_STEPS, Stop
from gateway_runtime.expressions.given import NOTHING, Given
from gateway_runtime.expressions.limits import STEPS

_CHARACTERS = 4  # bits: so many characters of a text are one step


class Frame:
    """What one counted evaluation works on: what was given, the values of its own names, and the steps that are left.

    It has the fields of `Given`, so that readers need not know which of the two they get.
    """

    __slots__ = ("left", "local_address", "payload", "places", "scheme", "vars", "version")

    def __init__(self, given: Given = NOTHING, places: int = 0) -> None:
        self.payload = given.payload
        self.vars = given.vars
        self.scheme = given.scheme
        self.version = given.version
        self.local_address = given.local_address
        self.places: list[Any] = [None] * places
        self.left = STEPS

    def spend(self, steps: int) -> None:
        """Take so many steps. Raises `Stop` when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise Stop(TOO_MANY_STEPS)


def weight(value: Any) -> int:
    """Return how many steps it costs to look at a value from its beginning to its end, but not into its parts."""
    kind = type(value)
    if kind is str or kind is bytes:
        return len(value) >> _CHARACTERS
    return len(value) if kind is list or kind is dict else 0


def measured(run: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a run whose every value is paid for."""

    def read(context: Any, frame: Any) -> Any:
        value = run(context, frame)
        kind = type(value)
        if kind is str or kind is bytes or kind is list or kind is dict:
            frame.spend(weight(value))
        return value

    return read
