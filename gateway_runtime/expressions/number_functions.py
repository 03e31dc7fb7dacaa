"""Functions of numbers."""

import math
from collections.abc import Callable
from typing import Any

from gateway_runtime.expressions.function import Function
from gateway_runtime.expressions.types import NUMBER, Kind
from gateway_runtime.expressions.values import calculated

_NUMBERS = Kind.NUMBER | Kind.STRING


def _round(number: float) -> float:
    whole = math.floor(number)
    return whole + (number - whole >= 0.5)


def _mod(number: Any, divisor: Any) -> float:
    return calculated(math.fmod, number, divisor)


def _one(calculate: Callable[[float], float]) -> Function:
    def call(number: Any) -> float:
        return calculated(lambda one, _: calculate(one), number, 0)

    return Function(call=call, gives=NUMBER, parameters=(("number", _NUMBERS),))


NUMBER_FUNCTIONS: dict[str, Function] = {
    "abs": _one(abs),
    "ceil": _one(math.ceil),
    "floor": _one(math.floor),
    "mod": Function(call=_mod, gives=NUMBER, parameters=(("number", _NUMBERS), ("divisor", _NUMBERS))),
    "round": _one(_round),
}
