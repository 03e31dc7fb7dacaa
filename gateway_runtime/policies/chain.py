"""The policies of one API in order: walked on the request, walked backwards on the response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from gateway_runtime.policies.context import REFUSAL, RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.policy import Handlers

Condition = Callable[[RequestContext], bool]


class Binding(NamedTuple):
    """One built policy: its name, its handlers, and when it holds (None: always)."""

    policy: str
    handlers: Handlers
    condition: Condition | None = None


class Step(NamedTuple):
    """One handler in a walk. `position` is the policy's place in request order."""

    policy: str
    handler: Callable[[RequestContext], Any]
    condition: Condition | None
    position: int


class Chain:
    """The compiled policies of one API. `request` and `response` are in the order in which they run."""

    __slots__ = ("_request", "_response", "request", "response")

    def __init__(self, bindings: Iterable[Binding] = ()) -> None:
        ordered = tuple(bindings)
        self.request = tuple(
            Step(b.policy, b.handlers.request_headers, b.condition, position)
            for position, b in enumerate(ordered)
            if b.handlers.request_headers is not None
        )
        self.response = tuple(
            Step(b.policy, b.handlers.response_headers, b.condition, position)
            for position, b in reversed(list(enumerate(ordered)))
            if b.handlers.response_headers is not None
        )
        # Taking a plain tuple apart is three times as fast as a named one, and happens for each policy of a request.
        self._request = tuple((step.handler, step.condition, step.position) for step in self.request)
        self._response = tuple((step.handler, step.condition, step.position) for step in self.response)

    def run_request(self, context: RequestContext) -> Response | Awaitable[Response | None] | None:
        """Walk the request: None to go on, a `Response` to answer at once, or an awaitable of either.

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
                return self._go_on(context, result, index)
        return None

    async def _go_on(self, context: RequestContext, waiting: Awaitable[Response | None], index: int) -> Response | None:
        result = await waiting
        while result is None:
            index += 1
            if index == len(self.request):
                return None
            _, handler, condition, _ = self.request[index]
            if condition is not None and not condition(context):
                continue
            result = handler(context)
            if result is not None and type(result) is not Response:
                result = await result
        context.stopped_at = self.request[index].position
        context.note(REFUSAL, result)
        return result

    def run_response(self, context: RequestContext) -> Awaitable[None] | None:
        """Walk the response backwards. An awaitable comes back only when a policy waits for I/O.

        Called for refusals too: only policies that ran before the refusing one see its answer.
        """
        if self.response:
            stopped = context.stopped_at
            for index, (handler, condition, position) in enumerate(self._response):
                if (0 <= stopped <= position) or (condition is not None and not condition(context)):
                    continue
                waiting = handler(context)
                if waiting is not None:
                    return self._go_on_back(context, waiting, index)
        return None

    async def _go_on_back(self, context: RequestContext, waiting: Awaitable[None], index: int) -> None:
        await waiting
        stopped = context.stopped_at
        for _, handler, condition, position in self.response[index + 1 :]:
            if (0 <= stopped <= position) or (condition is not None and not condition(context)):
                continue
            following = handler(context)
            if following is not None:
                await following
