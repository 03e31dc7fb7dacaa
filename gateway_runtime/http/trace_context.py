"""Trace context as the W3C defines it: passed on when it is valid, dropped when it is not, never made here.

https://www.w3.org/TR/trace-context/ and https://www.w3.org/TR/baggage/
"""

from __future__ import annotations

import re

from gateway_runtime.http.framing import line_field

_MEMBERS = 32
_STATE_BYTES = 512
_BAGGAGE_BYTES = 8192

_IDS = rb"-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
# Version 00 has exactly these parts; a later version may have more behind them, and ff is not a version.
_match_parent = re.compile(rb"00" + _IDS + rb"|(?!00|ff)[0-9a-f]{2}" + _IDS + rb"(?:-[!-~]*+)?").fullmatch
_match_member = re.compile(
    rb"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
    rb"=[ -+\--<>-~]{0,255}[!-+\--<>-~]"
).fullmatch


def valid_trace(lines: list[bytes]) -> list[bytes]:
    """Return the lines of `traceparent`, `tracestate` and `baggage` that may be passed on.

    Several parents, or a malformed one, say nothing about a trace: state without a parent goes with it. State that is
    too long or malformed is dropped alone, as the specification asks.
    """
    by_name: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for line in lines:
        name, value = line_field(line)
        by_name.setdefault(name, []).append((line, value))
    kept: list[bytes] = []
    parents = by_name.get(b"traceparent", [])
    if len(parents) == 1 and _is_parent(parents[0][1]):
        kept.append(parents[0][0])
        states = by_name.get(b"tracestate", [])
        if _is_state(b",".join(value for _, value in states)):
            kept += [line for line, _ in states]
    baggage = by_name.get(b"baggage", [])
    if sum(len(value) for _, value in baggage) <= _BAGGAGE_BYTES:
        kept += [line for line, _ in baggage]
    return kept


def _is_parent(value: bytes) -> bool:
    return _match_parent(value) is not None


def _is_state(value: bytes) -> bool:
    if len(value) > _STATE_BYTES:
        return False
    # Empty members are allowed, so that lines can be joined.
    members = [member for part in value.split(b",") if (member := part.strip(b" \t"))]
    if len(members) > _MEMBERS or not all(_match_member(member) for member in members):
        return False
    return len({member.partition(b"=")[0] for member in members}) == len(members)
