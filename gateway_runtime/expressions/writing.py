"""Values as JSON, no larger than a result may be."""

from typing import Any

import msgspec

from gateway_runtime.expressions.errors import NOT_JSON, TOO_LARGE, Stop
from gateway_runtime.expressions.limits import RESULT_LENGTH

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode
_PLAIN = 8  # characters of a number, true, false or null
_HOLDING = 16  # characters of a list or an object, beside what is in it


def json_bytes(value: Any, frame: Any, *, sort: bool = False) -> bytes:
    """Return a value as JSON. Raises `Stop` where it is too large, or holds what JSON has not.

    It is looked at first: the same list may be in it a thousand times, as text it is a thousand times as large.
    """
    frame.spend(length(value) >> 4)
    try:
        return (_encode_sorted if sort else _encode)(value)
    except (UnicodeEncodeError, RecursionError, OverflowError, msgspec.MsgspecError):
        # Bytes of a caller that are no UTF-8, or what is nested too deep.
        raise Stop(NOT_JSON) from None


def length(value: Any) -> int:
    """Return about how many characters a value has as JSON. Raises `Stop` where these are too many."""
    total = 0
    waiting: list[Any] = [(value,)]
    for whole in waiting:
        parts = whole
        if type(whole) is dict:
            total += sum(map(len, whole))
            parts = whole.values()
        # Also what has nothing in it takes time to look at.
        total += 4 * len(whole) + _HOLDING
        for part in parts:
            kind = type(part)
            if kind is str or kind is bytes:
                total += len(part)
            elif kind is list or kind is dict:
                waiting.append(part)
            else:
                total += _PLAIN
        if total > RESULT_LENGTH:
            raise Stop(TOO_LARGE)
    return total
