"""What can be done with values of the language whatever made them. Everything here raises `Stop` and nothing else."""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from gateway_runtime.expressions.errors import (
    NO_NUMBER,
    NOT_A_NUMBER,
    NOT_TEXT,
    NULL_VALUE,
    TOO_LARGE,
    WRONG_TYPE,
    Stop,
)
from gateway_runtime.expressions.limits import LIST_LENGTH, TEXT_LENGTH

EXACT = 2**53  # the largest whole number up to which a 64-bit float has all of them
_LONGEST_NUMBER = 400  # characters; a 64-bit float never needs more
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def number_text(number: float) -> str:
    """Return a number as people write it: no fraction where there is none."""
    if type(number) is float and number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    # Python counts very long whole numbers as an attack when they are written out; a float has them shorter.
    return str(number) if type(number) is float or abs(number) < 2**64 else repr(as_float(number))


def as_float(number: float) -> float:
    """Return a number as a 64-bit float. JSON has whole numbers that are larger: raises `Stop`."""
    try:
        return float(number)
    except OverflowError:
        raise Stop(NO_NUMBER) from None


def tidy(number: float) -> float:
    """Return a number as the language has it: whole where a 64-bit float holds it exactly. Raises `Stop`."""
    if type(number) is int:
        return number if -EXACT <= number <= EXACT else as_float(number)
    if not math.isfinite(number):
        raise Stop(NO_NUMBER)
    return int(number) if number.is_integer() and -EXACT <= number <= EXACT else number


def calculated(operation: Callable[[Any, Any], float], one: Any, other: Any) -> float:
    """Calculate with two numbers, or texts that are read as numbers. Raises `Stop`."""
    try:
        return tidy(operation(as_number(one), as_number(other)))
    except (ArithmeticError, ValueError):
        raise Stop(NO_NUMBER) from None


def as_text(value: Any) -> str:
    """Return a text, a number or binary data as text. Raises `Stop`."""
    kind = type(value)
    if kind is str:
        return value
    if kind is int or kind is float:
        return number_text(value)
    if kind is bytes:
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Stop(NOT_TEXT) from None
    raise Stop(NULL_VALUE if value is None else WRONG_TYPE)


def within_text(text: str) -> str:
    """Return a text that is not too long. Raises `Stop`."""
    if len(text) > TEXT_LENGTH:
        raise Stop(TOO_LARGE)
    return text


def equal(one: Any, other: Any, frame: Any) -> bool:
    """Tell whether two values are of the same kind and the same, whatever is in them: `1 == true` is false.

    Every item that is looked at costs a step of the frame.
    """
    kind = type(one)
    if kind is bool or type(other) is bool:
        return one is other
    if kind is list:
        if type(other) is not list or len(one) != len(other):
            return False
        frame.spend(len(one))
        return all(equal(mine, others, frame) for mine, others in zip(one, other, strict=True))
    if kind is dict:
        if type(other) is not dict or len(one) != len(other):
            return False
        frame.spend(len(one))
        return all(name in other and equal(value, other[name], frame) for name, value in one.items())
    return bool(one == other)


def ordered(compare: Callable[[Any, Any], bool], one: Any, other: Any) -> bool:
    """Compare two numbers or two texts; where one is a number, the text beside it is read as one. Raises `Stop`."""
    if type(one) is str and type(other) is str:
        return compare(one, other)
    return compare(as_number(one), as_number(other))


def as_number(value: Any) -> float:
    """Return a number, or a text read as one. Raises `Stop`."""
    kind = type(value)
    if kind is int or kind is float:
        return value
    if kind is str:
        return _read_number(value)
    raise Stop(NULL_VALUE if value is None else WRONG_TYPE)


def _read_number(text: str) -> float:
    # `float` also reads “nan”, “1_000”, other digits than ASCII ones, and blanks around a number.
    if len(text) <= _LONGEST_NUMBER and text and not set(text) - _NUMBER_SIGNS:
        try:
            number = float(text)
        except ValueError:
            raise Stop(NOT_A_NUMBER) from None
        if math.isfinite(number):
            return tidy(number)
    raise Stop(NOT_A_NUMBER)


_NUMBER_SIGNS = frozenset("0123456789.eE+-")


def without(whole: Any, part: Any, frame: Any) -> Any:
    """Return an object without a name, or a list without the items that equal a value (`-`). Raises `Stop`."""
    if type(whole) is dict:
        if type(part) is not str:
            raise Stop(NULL_VALUE if part is None else WRONG_TYPE)
        frame.spend(len(whole))
        return {name: value for name, value in whole.items() if name != part}
    frame.spend(len(whole))
    return [item for item in whole if not equal(item, part, frame)]


def without_all(whole: Any, parts: Any, frame: Any) -> Any:
    """Return an object without names, or a list without all items that equal one of a list (`--`). Raises `Stop`."""
    kind = type(whole)
    if kind is dict and type(parts) in (dict, list):
        if not all(type(name) is str for name in parts):
            raise Stop(WRONG_TYPE)
        frame.spend(len(whole) + len(parts))
        gone = frozenset(parts)
        return {name: value for name, value in whole.items() if name not in gone}
    if kind is list and type(parts) is list:
        frame.spend(len(whole) * (len(parts) + 1))
        return [item for item in whole if not any(equal(item, part, frame) for part in parts)]
    raise Stop(NULL_VALUE if whole is None or parts is None else WRONG_TYPE)


def joined(values: Sequence[Any]) -> Any:
    """Return texts, lists or objects one behind the other (`++`). Raises `Stop`."""
    # Sizes are asked before the whole is made, which would be as much memory again.
    kinds = {type(value) for value in values}
    if kinds == {list}:
        if sum(map(len, values)) > LIST_LENGTH:
            raise Stop(TOO_LARGE)
        return [item for value in values for item in value]
    if kinds == {dict}:
        if sum(map(len, values)) > LIST_LENGTH:
            raise Stop(TOO_LARGE)
        return {name: each for value in values for name, each in value.items()}
    texts = [value if type(value) is str else as_text(value) for value in values]
    if sum(map(len, texts)) > TEXT_LENGTH:
        raise Stop(TOO_LARGE)
    return "".join(texts)


def selected(base: Any, key: Any) -> Any:
    """Return a part of a value, null where it has no such part. Raises `Stop`."""
    kind, by = type(base), type(key)
    if base is None:
        return None
    if kind is dict and by is str:
        return base.get(key)
    if kind is list and by is str:
        found = [item[key] for item in base if type(item) is dict and key in item]
        return found or None
    if kind is list or kind is str:
        if by is float and key.is_integer():
            key = int(key)
        elif by is not int:
            raise Stop(NULL_VALUE if key is None else WRONG_TYPE)
        return base[key] if -len(base) <= key < len(base) else None
    raise Stop(NULL_VALUE if key is None else WRONG_TYPE)
