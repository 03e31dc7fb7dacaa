"""The policies of one API in order: walked on the request, walked backwards on the response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from gateway_runtime.policies.context import REFUSAL, RequestContext
from gateway_runtime.policies.results import NEEDS_BODY, BodyFilter, NeedsBody, Refused, Response
from gateway_runtime.schema.policy import Handlers

Condition = Callable[[RequestContext], bool]
# What a walk comes to, or where it stops on the way: None at its end.
Outcome = Response | NeedsBody | None


class Binding(NamedTuple):
    """One built policy: its name, its handlers, and when it holds (None: always)."""

    policy: str
    handlers: Handlers
    condition: Condition | None = None


class Step(NamedTuple):
    """One policy in a walk: `handler` sees the head, `body` the whole body where `handler` has asked for it.

    `position` is the policy's place in request order.
    """

    policy: str
    handler: Callable[[RequestContext], Any]
    condition: Condition | None
    position: int
    body: Callable[[RequestContext], Any] | None


class Chain:
    """The compiled policies of one API. `request` and `response` are in the order in which they run.

    A walk stops with `NEEDS_BODY` where a policy has to see a body that is not there: whoever walks reads it, puts it
    into the context and resumes.
    """

    __slots__ = ("_request", "_response", "ended", "request", "response")

    def __init__(self, bindings: Iterable[Binding] = ()) -> None:
        ordered = tuple(enumerate(bindings))
        steps = (_step(b, b.handlers.request_headers, b.handlers.request_body, at) for at, b in ordered)
        self.request = tuple(step for step in steps if step is not None)
        steps = (_step(b, b.handlers.response_headers, b.handlers.response_body, at) for at, b in reversed(ordered))
        self.response = tuple(step for step in steps if step is not None)
        # What is to be told of the end of each request.
        self.ended = tuple(b.handlers.ended for _, b in ordered if b.handlers.ended is not None)
        # Taking a plain tuple apart is three times as fast as a named one, and happens for each policy of a request.
        self._request = tuple((step.handler, step.condition, step.position) for step in self.request)
        self._response = tuple((step.handler, step.condition, step.position) for step in self.response)

    def with_steps(self, request: tuple[Step, ...], response: tuple[Step, ...]) -> Chain:
        """Return a chain with these steps in the place of its own."""
        chain = Chain()
        chain.request, chain.response, chain.ended = request, response, self.ended
        chain._request = tuple((step.handler, step.condition, step.position) for step in request)
        chain._response = tuple((step.handler, step.condition, step.position) for step in response)
        return chain

    # The request

    def run_request(self, context: RequestContext) -> Outcome | Awaitable[Outcome]:
        """Walk the request: None to go on, a `Response` to answer at once, `NEEDS_BODY`, or an awaitable of these.

        An awaitable comes back only when a policy waits for I/O, so a caller tests `is None` and the type, in that
        order, and most requests never meet a coroutine.
        """
        for index, (handler, condition, position) in enumerate(self._request):
            if condition is not None and not condition(context):
                continue
            result = handler(context)
            if result is not None:
                if type(result) is Response:
                    context.stopped_at = position
                    context.note(REFUSAL, result)
                    return result
                return self._follow(context, result, index)
        return None

    def resume_request(self, context: RequestContext) -> Outcome | Awaitable[Outcome]:
        """Go on with the policy that has asked for the body, which is in the context now."""
        context.stopped_at = -1
        return self._follow(context, NEEDS_BODY, context.resume_at)

    def _see_body(self, context: RequestContext, index: int) -> Any:
        """Let the policy at `index` see the body as the filters of policies before it make it."""
        filters = context.request_filters
        if filters:
            context.request_filters = None
            try:
                context.body = passed_through(filters, context.body or b"")
            except Refused as refused:
                return refused.response
        return self.request[index].body(context)  # type: ignore[misc]

    def _follow(self, context: RequestContext, result: Any, index: int) -> Outcome | Awaitable[Outcome]:
        """Go on from what the policy at `index` has said."""
        while True:
            if result is NEEDS_BODY:
                if context.body is None:
                    context.resume_at = index
                    # Until then it is the one that ends the request, where its body cannot be had.
                    context.stopped_at = self.request[index].position
                    return NEEDS_BODY
                result = self._see_body(context, index)
            if result is None:
                index += 1
                if index == len(self.request):
                    return None
                handler, condition, _ = self._request[index]
                if condition is None or condition(context):
                    result = handler(context)
            elif type(result) is Response:
                context.stopped_at = self.request[index].position
                context.note(REFUSAL, result)
                return result
            else:
                # Until then it is the one that ends the request, where nobody waits so long.
                context.stopped_at = self.request[index].position
                return self._wait(context, result, index)

    async def _wait(self, context: RequestContext, waiting: Awaitable[Any], index: int) -> Outcome:
        result = await waiting
        if context.response_status:
            return None  # there is an answer already, and those behind are not asked about the request any more
        context.stopped_at = -1
        result = self._follow(context, result, index)
        if result is None or type(result) is Response or result is NEEDS_BODY:
            return result
        return await result  # type: ignore[misc]

    # The response

    def run_response(self, context: RequestContext) -> NeedsBody | Awaitable[NeedsBody | None] | None:
        """Walk the response backwards. An awaitable comes back only when a policy waits for I/O.

        Called for refusals too: only policies that ran before the refusing one see its answer.
        """
        if self.response:
            stopped = context.stopped_at
            for index, (handler, condition, position) in enumerate(self._response):
                if (0 <= stopped <= position) or (condition is not None and not condition(context)):
                    continue
                result = handler(context)
                if result is not None:
                    return self._follow_back(context, result, index)
        return None

    def resume_response(self, context: RequestContext) -> NeedsBody | Awaitable[NeedsBody | None] | None:
        """Go on with the policy that has asked for the answer's body, which is in the context now."""
        return self._follow_back(context, NEEDS_BODY, context.resume_at)

    def _follow_back(
        self, context: RequestContext, result: Any, index: int
    ) -> NeedsBody | Awaitable[NeedsBody | None] | None:
        stopped = context.stopped_at
        while True:
            if result is NEEDS_BODY:
                if context.response_body is None:
                    context.resume_at = index
                    return NEEDS_BODY
                if context.response_filters:
                    context.response_body = passed_through(context.response_filters, context.response_body)
                    context.response_filters = None
                result = self.response[index].body(context)  # type: ignore[misc]
            if result is not None:
                return self._wait_back(context, result, index)
            index += 1
            if index == len(self.response):
                return None
            handler, condition, position = self._response[index]
            if not (0 <= stopped <= position) and (condition is None or condition(context)):
                result = handler(context)

    async def _wait_back(self, context: RequestContext, waiting: Awaitable[Any], index: int) -> NeedsBody | None:
        result = self._follow_back(context, await waiting, index)
        if result is None or result is NEEDS_BODY:
            return result
        return await result  # type: ignore[misc]


def wants_every_body(context: RequestContext) -> NeedsBody:
    """Ask for the body: what stands for the header handler that a policy does not have."""
    return NEEDS_BODY


def _step(binding: Binding, head: Any, body: Any, position: int) -> Step | None:
    if head is None and body is None:
        return None
    return Step(binding.policy, head or wants_every_body, binding.condition, position, body)


def passed_through(filters: list[BodyFilter], body: bytes) -> bytes:
    """Return a whole body as filters make it. Raises `Refused`."""
    for each in filters:
        body = each.feed(body) + each.finish()
    return body
