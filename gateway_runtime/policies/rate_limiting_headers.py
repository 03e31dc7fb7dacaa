"""What callers are told of their limits: `x-ratelimit-*` as documented, and the fields of the IETF draft.

In each of the two ways an answer tells of one limit, the one nearest to its end of all policies that tell in this way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import NamedTuple

from gateway_runtime.policies.context import Headers, RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.state.limits import Limit, Verdict

# The two ways to tell. Each is a note with the limit that is nearest to its end, of all policies that tell in this way.
OLD, NEW = "nearest limit", "nearest limit of the draft"
# A refusal is nearer than anything that passes.
REFUSED = -1.0

Write = Callable[[Verdict], Headers]
# What writes verdicts on the limits of a policy, for each way in which it tells.
Writers = tuple[tuple[str, Write], ...]


class Nearest(NamedTuple):
    """How much of a limit is left, as a part of it, and the headers that say so."""

    share: float
    binding: str
    verdict: Verdict
    write: Write


class Teller:
    """The headers of one binding. `tells` is False where callers are told nothing."""

    __slots__ = ("_binding", "_ways", "tells")

    def __init__(self, binding: str, *, old: bool, new: bool) -> None:
        self._binding = binding
        self._ways = tuple(way for way, wanted in ((OLD, old), (NEW, new)) if wanted)
        self.tells: bool = old or new

    def passed(self, context: RequestContext, verdict: Verdict, writers: Writers) -> None:
        """Note what is left for a request that passes."""
        share = verdict.remaining / verdict.limit
        for way, write in writers:
            known: Nearest | None = (context.notes or {}).get(way)
            if known is None or share < known.share:
                context.note(way, Nearest(share, self._binding, verdict, write))

    def refused(self, context: RequestContext, response: Response, verdict: Verdict, writers: Writers) -> Response:
        """Return a refusal that says when to come back, and what the limit is."""
        headers: Headers = [(b"retry-after", b"%d" % ceil(verdict.retry_after))]
        for way, write in writers:
            context.note(way, Nearest(REFUSED, "", verdict, write))
            headers += write(verdict)
        return replace(response, headers=tuple(headers))

    def on_response(self, context: RequestContext) -> None:
        """Write the headers, if it is this binding that has the nearest limit."""
        for way in self._ways:
            nearest: Nearest | None = (context.notes or {}).get(way)
            if nearest is not None and nearest.binding == self._binding:
                fields = nearest.write(nearest.verdict)
                names = {name for name, _ in fields}
                # The service may speak of limits of its own: what stands twice would be read by nobody.
                kept = [pair for pair in context.response_headers if pair[0] not in names]
                context.response_headers = kept + fields


def writers_of(limits: tuple[Limit, ...], *, old: bool, new: bool) -> Writers:
    """Return what writes verdicts on these limits."""
    names = tuple(name_of(limit) for limit in limits)
    policy = b", ".join(b'"%s";q=%d%s' % (name_of(limit), limit.maximum, _window(limit)) for limit in limits)

    def write_old(verdict: Verdict) -> Headers:
        return [
            (b"x-ratelimit-limit", b"%d" % verdict.limit),
            (b"x-ratelimit-remaining", b"%d" % verdict.remaining),
            (b"x-ratelimit-reset", b"%d" % ceil(verdict.reset * 1000)),
        ]

    def write_new(verdict: Verdict) -> Headers:
        about = (names[verdict.position], verdict.remaining, ceil(verdict.reset))
        return [(b"ratelimit-policy", policy), (b"ratelimit", b'"%s";r=%d;t=%d' % about)]

    return tuple((way, write) for way, write, wanted in ((OLD, write_old, old), (NEW, write_new, new)) if wanted)


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
