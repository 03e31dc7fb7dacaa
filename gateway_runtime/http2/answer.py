"""The head of a service's answer over HTTP/2, read by the grammar that reads those of HTTP/1.1."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway_runtime.http2.coding import Field
from gateway_runtime.http2.request import NAMES, PLAIN
from gateway_runtime.upstream.errors import BAD_RESPONSE, UpstreamError
from gateway_runtime.upstream.response import HEAD_LIMIT, ResponseHead, parse_response

_match_status = re.compile(rb"[1-9][0-9]{2}").fullmatch
# Allowed in what a service answers, though for requests they are looked at one by one.
_PASSED = frozenset({b"cookie", b"host", b"te"})


def read_answer(fields: Sequence[Field], *, head_only: bool) -> ResponseHead:
    """Return the head. Raises `UpstreamError` for whatever could be read in two ways."""
    if not fields or fields[0][0] != b":status" or _match_status(fields[0][1]) is None:
        raise UpstreamError(BAD_RESPONSE)
    lines = [b"HTTP/1.1 " + fields[0][1]]
    for name, value in fields[1:]:
        if NAMES[name] != PLAIN and name not in _PASSED:
            raise UpstreamError(BAD_RESPONSE)
        lines.append(name + b": " + value)
    head = b"\r\n".join(lines)
    if len(head) > HEAD_LIMIT or head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1:
        raise UpstreamError(BAD_RESPONSE)
    return parse_response(head + b"\r\n\r\n", b"HEAD" if head_only else b"GET")
