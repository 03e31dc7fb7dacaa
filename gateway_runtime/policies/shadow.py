"""A policy that is only tried out: it judges a copy of each request, and what it would have done is counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from inspect import iscoroutine
from typing import Any

from gateway_runtime.policies.chain import wants_every_body
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody, Response
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

    A policy that waits for somebody else's answer is waited for beside the request, never by it. Its response handlers
    are not run: they could change answers, and refuse none.

    One that wants the body judges a copy of it where its announced length is at most `most`, which is what the gateway
    reads for policies. Of others, and where it asks only after waiting, it judges nothing: for its sake no request may
    be refused, and no body be read whose length nobody knows.
    """

    __slots__ = ("_body_handler", "_count", "_ended", "_handler", "_most", "_note_name", "_policy", "_under_way")

    def __init__(
        self,
        policy: str,
        handler: Callable[[RequestContext], Any],
        count: Count,
        body_handler: Callable[[RequestContext], Any] | None = None,
        most: int = 0,
        ended: Callable[[RequestContext], None] | None = None,
    ) -> None:
        self._policy = policy
        self._ended = ended
        self._handler = handler
        self._body_handler = body_handler
        self._most = most
        self._count = count
        self._under_way = 0
        self._note_name = f"shadow {id(self)}"

    def __call__(self, context: RequestContext) -> NeedsBody | None:
        """Judge a request and let it pass, or ask for its body first."""
        probe = copied(context)
        try:
            result = self._handler(probe)
            if result is NEEDS_BODY:
                if context.body is not None or 0 < context.body_length <= self._most:
                    context.note(self._note_name, probe)
                    return NEEDS_BODY
                result = None
                if not context.body_length:
                    probe.body = b""
                    result = self._body_handler(probe)  # type: ignore[misc]
            self._take(context, probe, result)
        except Exception:
            self._count(context.application, self._policy, FAILED_CODE, FAILED_STATUS)
            self._let_go(probe)
        return None

    def see_body(self, context: RequestContext) -> None:
        """Judge a request by its body, which is in the context now, and let it pass."""
        assert context.notes is not None
        probe = context.notes.pop(self._note_name)
        probe.body = context.body
        try:
            self._take(context, probe, self._body_handler(probe))  # type: ignore[misc]
        except Exception:
            self._count(context.application, self._policy, FAILED_CODE, FAILED_STATUS)
            self._let_go(probe)

    def end(self, context: RequestContext) -> None:
        """The request is over. Let go of the copy that waits for its body, if there is one."""
        probe = context.notes.pop(self._note_name, None) if context.notes else None
        if probe is not None:
            self._let_go(probe)

    def judge(self, context: RequestContext, body: bytes | None) -> Any:
        """Return what the policy would do, without counting it and without a trace in the context.

        That is `NEEDS_BODY` where it wants the body and none is given.
        """
        probe = copied(context)
        result = self._handler(probe)
        if result is NEEDS_BODY and body is not None:
            probe.body = body
            result = self._body_handler(probe)  # type: ignore[misc]
        return result

    def _take(self, context: RequestContext, probe: RequestContext, result: Any) -> None:
        if type(result) is Response:
            self._note(context, result, self._count)
        elif result is not None:
            if self._under_way < UNDER_WAY:
                self._under_way += 1
                spawn("shadow", self._later(context, probe, result, self._count))
                return
            give_up(result)
        self._let_go(probe)

    def _let_go(self, probe: RequestContext) -> None:
        """A copy has been judged: nothing else happens to it."""
        if self._ended is not None:
            self._ended(probe)

    @contextmanager
    def overheard(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Let somebody hear the codes of the verdicts on what is judged meanwhile, also of those that come later."""
        count = self._count

        def both(application: str, policy: str, code: str, status: int) -> None:
            tell(code)
            count(application, policy, code, status)

        self._count = both
        try:
            yield
        finally:
            self._count = count

    def _note(self, context: RequestContext, verdict: Response, count: Count) -> None:
        # An answer without a code is no refusal, such as one to a preflight.
        if verdict.code:
            count(context.application, self._policy, verdict.code, verdict.status)

    async def _later(
        self, context: RequestContext, probe: RequestContext, waiting: Awaitable[Response | None], count: Count
    ) -> None:
        try:
            verdict = await waiting
            if type(verdict) is Response:
                self._note(context, verdict, count)
        except Exception:
            count(context.application, self._policy, FAILED_CODE, FAILED_STATUS)
        finally:
            self._under_way -= 1
            self._let_go(probe)


def shadowed(policy: str, handlers: Handlers, count: Count, most: int = 0) -> Handlers:
    """Return handlers that judge like these and change nothing. `most` is how much of a body may be read for them."""
    handler, body_handler = handlers.request_headers, handlers.request_body
    if handler is None and body_handler is None:
        return Handlers()
    ended = handlers.ended
    shadow = Shadow(policy, handler or wants_every_body, count, body_handler, most, ended)
    return Handlers(
        request_headers=shadow,
        request_body=None if body_handler is None else shadow.see_body,
        ended=None if ended is None else shadow.end,
    )


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
