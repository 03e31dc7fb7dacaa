"""Who a request has come through (RFC 9110 section 7.6.3): a gateway that finds itself there stops the loop."""

from __future__ import annotations

import hashlib

from gateway_runtime.http.framing import line_value
from gateway_runtime.http.refusals import BadMessage
from gateway_runtime.policies.results import Response

PSEUDONYM = b"portico"

LOOP_DETECTED = Response(
    status=508,
    code="loop_detected",
    title="Loop detected",
    detail="The request has come through this gateway before: a service behind it sends requests back to it.",
)


def pseudonym_of(*parts: str) -> bytes:
    """Return the name of a gateway in `Via`: the same for the same parts, and nothing that tells what they are."""
    return PSEUDONYM + b"-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12].encode()


def refuse_loop(lines: list[bytes], pseudonym: bytes) -> None:
    """Raise `BadMessage` where one of these `Via` lines names this gateway."""
    for line in lines:
        for received in line_value(line).split(b","):
            # “1.1 name (comment)”
            parts = received.split(None, 2)
            if len(parts) > 1 and parts[1].lower() == pseudonym:
                raise BadMessage(LOOP_DETECTED)
