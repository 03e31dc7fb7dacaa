"""A policy that is only tried out: it judges a copy of each request, and what it would have done is counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from inspect import iscoroutine
from typing import Any

from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.tasks import spawn

# Takes the application, the policy, the reason code and the status that the caller would have seen.
Count = Callable[[str, str, str, int], None]

# A policy that fails ends the request with these, so in shadow it would have.
FAILED_CODE, FAILED_STATUS = "internal_error", 500
# Verdicts of one binding that may be under way. What comes on top of them is not judged: the figure is then too low.
UNDER_WAY = 1_000


def count_nothing(application: str, policy: str, code: str, status: int) -> None:
    """Take a verdict that nobody wants."""


class Shadow:
    """The request handler of a binding in shadow mode. It lets every request pass, at once and as it is.

    A policy that waits for somebody else's answer is waited for beside the request, never by it. Its response handler
    is not run: it could change answers, and refuses none.
    """

    __slots__ = ("_count", "_handler", "_policy", "_under_way")

    def __init__(self, policy: str, handler: Callable[[RequestContext], Any], count: Count) -> None:
        self._policy = policy
        self._handler = handler
        self._count = count
        self._under_way = 0

    def __call__(self, context: RequestContext) -> None:
        """Judge a request and let it pass."""
        probe = copied(context)
        try:
            result = self._handler(probe)
            if result is None:
                return
            if type(result) is Response:
                self._note(context, result)
            elif self._under_way < UNDER_WAY:
                self._under_way += 1
                spawn("shadow", self._later(context, result))
            else:
                give_up(result)
        except Exception:
            self._count(context.application, self._policy, FAILED_CODE, FAILED_STATUS)

    def judge(self, context: RequestContext) -> Response | Awaitable[Response | None] | None:
        """Return what the policy would do, without counting it and without a trace in the context."""
        result: Response | Awaitable[Response | None] | None = self._handler(copied(context))
        return result

    @contextmanager
    def overheard(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Let somebody hear the codes of the verdicts that are counted meanwhile."""
        count = self._count

        def both(application: str, policy: str, code: str, status: int) -> None:
            tell(code)
            count(application, policy, code, status)

        self._count = both
        try:
            yield
        finally:
            self._count = count

    def _note(self, context: RequestContext, verdict: Response) -> None:
        # An answer without a code is no refusal, such as one to a preflight.
        if verdict.code:
            self._count(context.application, self._policy, verdict.code, verdict.status)

    async def _later(self, context: RequestContext, waiting: Awaitable[Response | None]) -> None:
        try:
            verdict = await waiting
            if verdict is not None:
                self._note(context, verdict)
        except Exception:
            self._count(context.application, self._policy, FAILED_CODE, FAILED_STATUS)
        finally:
            self._under_way -= 1


def shadowed(policy: str, handlers: Handlers, count: Count) -> Handlers:
    """Return handlers that judge like these and change nothing."""
    if handlers.request_headers is None:
        return Handlers()
    return Handlers(request_headers=Shadow(policy, handlers.request_headers, count))


def copied(context: RequestContext) -> RequestContext:
    """Return a context whose changes nobody sees: its lists and notes are its own."""
    probe = RequestContext.__new__(RequestContext)
    for name in RequestContext.__slots__:
        value = getattr(context, name)
        setattr(probe, name, value.copy() if type(value) in (list, dict) else value)
    return probe


def give_up(waiting: Any) -> None:
    """Let go of an awaitable that nobody is going to await. A future may have others who wait, and goes on."""
    if iscoroutine(waiting):
        waiting.close()
