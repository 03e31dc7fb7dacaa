"""What exceeds a limit in a JSON body: found by the fastest reader that can tell."""

import json
from typing import Any

import msgspec

from gateway_runtime.policies.json_threat_protection_limits import (
    MALFORMED,
    NAME_TOO_LONG,
    STRING_TOO_LONG,
    TOO_DEEP,
    TOO_MANY_ELEMENTS,
    TOO_MANY_ENTRIES,
    Limits,
)
from gateway_runtime.policies.json_threat_protection_scanner import scan

# A document that the readers in C give up on is deeper than this: they take almost a thousand levels.
READ_BY_ALL = 500
# Where one of these is in a body, the colon behind a name cannot be told from others by its look.
_UNCLEAR = (b'\\":', b" :", b"\t:", b"\n:", b"\r:")

_decode = msgspec.json.Decoder().decode


def fault_of(body: bytes, limits: Limits) -> str:
    """Return what is wrong with a body, "" when it is one JSON value in UTF-8 within the limits.

    Of a name that is there twice both entries count.
    """
    if _is_plainly_within(body, limits):
        return ""
    try:
        text = body.decode()
        value = _pairs(text)
    except RecursionError:
        return TOO_DEEP if limits.depth <= READ_BY_ALL else scan(text, limits)
    except ValueError:
        return MALFORMED
    return _first_excess(value, limits)


def _is_plainly_within(body: bytes, limits: Limits) -> bool:
    """Tell whether a body is well formed and within the limits. False also where a closer look has to tell."""
    try:
        value = _decode(body)
    except (ValueError, RecursionError):
        return False
    kind = type(value)
    if kind is str:
        return len(value) <= limits.string
    level: list[Any] = [value] if kind is dict or kind is list else []
    length = len(body)
    # No name and no string can be longer than the whole.
    names, strings = length > limits.name, length > limits.string
    depth = entries = 0
    while level:
        depth += 1
        below: list[Any] = []
        for container in level:
            count = len(container)
            if type(container) is dict:
                entries += count
                if count > limits.entries or (names and count and max(map(len, container)) > limits.name):
                    return False
                container = container.values()
            elif count > limits.elements:
                return False
            if strings:
                for each in container:
                    kind = type(each)
                    if kind is str:
                        if len(each) > limits.string:
                            return False
                    elif kind is dict or kind is list:
                        below.append(each)
            else:
                below += [each for each in container if type(each) is dict or type(each) is list]
        level = below
    # The decoder keeps one entry of each name. There were no others if there are no more colons than entries.
    return depth <= limits.depth and body.count(b'":') == entries and not any(each in body for each in _UNCLEAR)


def _no_number(text: str) -> Any:
    raise ValueError(text)


# Objects as tuples of pairs, so that no entry is lost; numbers as their length, so that none is too large.
_pairs = json.JSONDecoder(object_pairs_hook=tuple, parse_int=len, parse_float=len, parse_constant=_no_number).decode


def _first_excess(value: Any, limits: Limits) -> str:
    """Return the first limit that is exceeded by a value with its objects as pairs, outermost first."""
    if type(value) is str:
        return STRING_TOO_LONG if len(value) > limits.string else ""
    level: list[Any] = [value] if type(value) is tuple or type(value) is list else []
    depth = 0
    while level:
        depth += 1
        if depth > limits.depth:
            return TOO_DEEP
        below: list[Any] = []
        for container in level:
            count = len(container)
            if type(container) is tuple:
                if count > limits.entries:
                    return TOO_MANY_ENTRIES
                if any(len(name) > limits.name for name, _ in container):
                    return NAME_TOO_LONG
                container = [each for _, each in container]
            elif count > limits.elements:
                return TOO_MANY_ELEMENTS
            for each in container:
                kind = type(each)
                if kind is str:
                    if len(each) > limits.string:
                        return STRING_TOO_LONG
                elif kind is tuple or kind is list:
                    below.append(each)
        level = below
    return ""
