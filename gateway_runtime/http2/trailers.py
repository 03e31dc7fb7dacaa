"""Trailers: checked like headers, and only those that say nothing about how the message is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gateway_runtime.http.headers import FRAMING, PASS
from gateway_runtime.http.refusals import bad_request
from gateway_runtime.http2.coding import Field

BAD_TRAILERS = bad_request("bad_trailers", "The trailers have a name or a value that HTTP/2 does not allow.")

# More would only be a way around the limits of headers.
_LONGEST = 8 * 1024
_match_name = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]++").fullmatch
_match_value = re.compile(rb"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?").fullmatch
# What is decided before the body (RFC 9110 section 6.5.1) cannot be changed by what follows it.
_DECIDED_BEFORE = FRAMING | {
    b"authorization", b"cache-control", b"content-encoding", b"content-range", b"content-type", b"cookie", b"location",
    b"range", b"set-cookie", b"www-authenticate", b"x-request-id",
}  # fmt: skip


def read_trailers(fields: Sequence[Field], names: Mapping[bytes, int]) -> list[Field] | None:
    """Return the trailers that may pass, by what `names` says of each name; None where one is not even a header."""
    kept: list[Field] = []
    size = 0
    for name, value in fields:
        if _match_name(name) is None or _match_value(value) is None:
            return None
        size += len(name) + len(value)
        if names[name] == PASS and name not in _DECIDED_BEFORE:
            kept.append((name, value))
    return kept if size <= _LONGEST else None
