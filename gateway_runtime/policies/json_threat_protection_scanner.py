"""Reads a JSON text of any depth: sign by sign, without recursion, in linear time."""

import re

from gateway_runtime.policies.json_threat_protection_limits import (
    MALFORMED,
    NAME_TOO_LONG,
    STRING_TOO_LONG,
    TOO_DEEP,
    TOO_MANY_ELEMENTS,
    TOO_MANY_ENTRIES,
    Limits,
)

# The possessive quantifiers keep it linear whatever comes.
_TOKEN = re.compile(
    r"[ \t\n\r]*+(?:"
    r"([\[\]{},:])"
    r'|("[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+")'
    r"|(-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+|true|false|null)"
    r"|($))"
)
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_MARK, _STRING, _END = 1, 2, 4

# What may come next.
_VALUE, _FIRST_VALUE, _FIRST_NAME, _NAME, _COLON, _AFTER = range(6)


def scan(text: str, limits: Limits) -> str:
    """Return what is wrong with a text, "" when it is one JSON value within the limits."""
    match = _TOKEN.match
    state, position = _VALUE, 0
    # The open containers: whether each is an object, and how much it has.
    kinds = bytearray()
    counts: list[int] = []
    while True:
        token = match(text, position)
        if token is None:
            return MALFORMED
        position = token.end()
        group = token.lastindex
        if group == _END:
            return "" if state == _AFTER and not kinds else MALFORMED
        sign = token[_MARK] if group == _MARK else ""
        if state == _AFTER:
            if not kinds:
                return MALFORMED
            if sign == ",":
                state = _NAME if kinds[-1] else _VALUE
            elif sign == ("}" if kinds[-1] else "]"):
                kinds.pop()
                counts.pop()
            else:
                return MALFORMED
        elif state == _COLON:
            if sign != ":":
                return MALFORMED
            state = _VALUE
        elif state in (_NAME, _FIRST_NAME):
            if group == _STRING:
                counts[-1] += 1
                if counts[-1] > limits.entries:
                    return TOO_MANY_ENTRIES
                if token.end(_STRING) - token.start(_STRING) - 2 > limits.name and _length(token[2]) > limits.name:
                    return NAME_TOO_LONG
                state = _COLON
            elif sign == "}" and state == _FIRST_NAME:
                kinds.pop()
                counts.pop()
                state = _AFTER
            else:
                return MALFORMED
        elif sign == "]" and state == _FIRST_VALUE:
            kinds.pop()
            counts.pop()
            state = _AFTER
        elif group == _MARK and sign not in "[{":
            return MALFORMED
        else:
            if kinds and not kinds[-1]:
                counts[-1] += 1
                if counts[-1] > limits.elements:
                    return TOO_MANY_ELEMENTS
            if group == _MARK:
                kinds.append(sign == "{")
                counts.append(0)
                if len(kinds) > limits.depth:
                    return TOO_DEEP
                state = _FIRST_NAME if sign == "{" else _FIRST_VALUE
            else:
                if (
                    group == _STRING
                    and token.end(_STRING) - token.start(_STRING) - 2 > limits.string
                    and _length(token[2]) > limits.string
                ):
                    return STRING_TOO_LONG
                state = _AFTER


def _length(quoted: str) -> int:
    """Return how many characters a string has once its escapes are read."""
    return len(_ESCAPE.sub("x", quoted)) - 2
