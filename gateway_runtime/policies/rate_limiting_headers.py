"""What callers are told of their limits: `x-ratelimit-*` as documented, and the fields of the IETF draft.

Each answer tells of one limit, the one nearest to its end, also where several policies of an API count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import NamedTuple

from gateway_runtime.policies.context import Headers, RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.state.limits import Limit, Verdict

# The note with what is nearest to its end of all policies that tell.
NEAREST = "nearest limit"
OLD_NAMES = (b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset")
NEW_NAMES = (b"ratelimit", b"ratelimit-policy")
# A refusal is nearer than anything that passes.
REFUSED = -1.0

Write = Callable[[Verdict], Headers]


class Nearest(NamedTuple):
    """How much of a limit is left, as a part of it, and the headers that say so."""

    share: float
    binding: str
    verdict: Verdict
    write: Write


class Teller:
    """The headers of one binding. `tells` is False where callers are told nothing."""

    __slots__ = ("_binding", "tells")

    def __init__(self, binding: str, *, old: bool, new: bool) -> None:
        self._binding = binding
        self.tells: bool = old or new

    def passed(self, context: RequestContext, verdict: Verdict, write: Write) -> None:
        """Note what is left for a request that passes."""
        share = verdict.remaining / verdict.limit
        known: Nearest | None = (context.notes or {}).get(NEAREST)
        if known is None or share < known.share:
            context.note(NEAREST, Nearest(share, self._binding, verdict, write))

    def refused(self, context: RequestContext, response: Response, verdict: Verdict, write: Write) -> Response:
        """Return a refusal that says when to come back, and what the limit is."""
        headers = ((b"retry-after", b"%d" % ceil(verdict.retry_after)),)
        if not self.tells:
            return replace(response, headers=headers)
        context.note(NEAREST, Nearest(REFUSED, "", verdict, write))
        return replace(response, headers=(*headers, *write(verdict)))

    def on_response(self, context: RequestContext) -> None:
        """Write the headers, if it is this binding that has the nearest limit."""
        nearest: Nearest | None = (context.notes or {}).get(NEAREST)
        if nearest is not None and nearest.binding == self._binding:
            fields = nearest.write(nearest.verdict)
            names = {name for name, _ in fields}
            # The service may speak of limits of its own: what stands twice would be read by nobody.
            kept = [pair for pair in context.response_headers if pair[0] not in names]
            context.response_headers = kept + fields


def writer(limits: tuple[Limit, ...], *, old: bool, new: bool) -> Write:
    """Return what writes a verdict on these limits."""
    names = tuple(name_of(limit) for limit in limits)
    policy = b", ".join(b'"%s";q=%d%s' % (name_of(limit), limit.maximum, _window(limit)) for limit in limits)

    def write(verdict: Verdict) -> Headers:
        fields: Headers = []
        if old:
            fields += (
                (b"x-ratelimit-limit", b"%d" % verdict.limit),
                (b"x-ratelimit-remaining", b"%d" % verdict.remaining),
                (b"x-ratelimit-reset", b"%d" % ceil(verdict.reset * 1000)),
            )
        if new:
            about = (names[verdict.position], verdict.remaining, ceil(verdict.reset))
            fields += ((b"ratelimit-policy", policy), (b"ratelimit", b'"%s";r=%d;t=%d' % about))
        return fields

    return write


_UNITS = ((604_800_000, "week"), (86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"))


def name_of(limit: Limit) -> bytes:
    """Return the name of a limit: `minute`, `15-minutes`, `calendar-month`."""
    if limit.calendar is not None:
        return b"calendar-" + limit.field.encode()
    period = limit.period_ms
    for length, unit in _UNITS:
        if period % length == 0:
            count = period // length
            return unit.encode() if count == 1 else b"%d-%ss" % (count, unit.encode())
    return b"%d-milliseconds" % period


def _window(limit: Limit) -> bytes:
    """Return the parameter with the window. It is in whole seconds, so what has none is left out."""
    if limit.calendar is not None or limit.period_ms % 1000:
        return b""
    return b";w=%d" % (limit.period_ms // 1000)
