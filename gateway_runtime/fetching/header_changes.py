"""Which headers somebody beside the caller, such as an authorizer, may set, and what setting them does.

What such a service says is not trusted further than a caller: a name or a value that is none spoils all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from gateway_runtime.http.headers import ONCE, PASS, REQUEST_NAMES, RESPONSE_NAMES

Headers = list[tuple[bytes, bytes]]

# All changes of one answer together.
MOST_CHANGES, MOST_BYTES = 200, 32 * 1024

is_header_name = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]{1,256}").fullmatch
is_header_value = re.compile(rb"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?").fullmatch


class UnsafeHeader(Exception):
    """A header that would be something else on the wire, or that only the gateway says."""


def backend_may_get(name: bytes) -> bool:
    """Tell whether a request may be given a header with this lower-case name by somebody beside the caller."""
    return REQUEST_NAMES[name] in (PASS, ONCE)


def caller_may_get(name: bytes) -> bool:
    """Tell whether an answer may be given a header with this lower-case name by somebody beside the service."""
    return RESPONSE_NAMES[name] == PASS


class Action(IntEnum):
    """What is done with a header; the numbers of the first four are those of Envoy."""

    APPEND = 0
    ADD_IF_ABSENT = 1
    SET = 2
    SET_IF_PRESENT = 3
    REMOVE = 4


class Change(NamedTuple):
    """One change of a list of headers."""

    action: Action
    name: bytes
    value: bytes = b""


def changed(headers: Headers, changes: Iterable[Change]) -> Headers:
    """Return headers with changes made, in a list of their own."""
    headers = headers.copy()
    for action, name, value in changes:
        there = any(pair[0] == name for pair in headers)
        if (action == Action.ADD_IF_ABSENT and there) or (action == Action.SET_IF_PRESENT and not there):
            continue
        if there and action in (Action.SET, Action.SET_IF_PRESENT, Action.REMOVE):
            headers = [pair for pair in headers if pair[0] != name]
        # A header that is set to nothing is taken away: the one that the caller has sent must not be taken for it.
        if value:
            headers.append((name, value))
    return headers


def for_backend(changes: Iterable[Change], *, forgiving: bool = False) -> list[Change]:
    """Return changes of a request, checked. Raises `UnsafeHeader`.

    `forgiving`: what only the gateway says is left as it is, and does not spoil the rest.
    """
    found = []
    for action, name, value in _written(changes):
        if not backend_may_get(name):
            if forgiving:
                continue
            raise UnsafeHeader(name)
        # Twice would let policies and the service read different callers.
        once = REQUEST_NAMES[name] == ONCE
        found.append(Change(Action.SET if once and action == Action.APPEND else action, name, value))
    return found


def for_caller(changes: Iterable[Change]) -> list[Change]:
    """Return changes of an answer, without those that are for the gateway to say. Raises `UnsafeHeader`."""
    return [change for change in _written(changes) if caller_may_get(change.name)]


def _written(changes: Iterable[Change]) -> list[Change]:
    found = [Change(action, name.lower(), value.strip(b" \t")) for action, name, value in changes]
    if len(found) > MOST_CHANGES or sum(len(name) + len(value) for _, name, value in found) > MOST_BYTES:
        raise UnsafeHeader
    for _, name, value in found:
        if is_header_name(name) is None or is_header_value(value) is None:
            raise UnsafeHeader
    return found
