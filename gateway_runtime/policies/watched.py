"""A chain that is watched: the same policies with the same verdicts, and somebody is told of each step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any, Protocol

from gateway_runtime.policies.chain import Chain, Step
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import NEEDS_BODY, Refused, Response
from gateway_runtime.policies.shadow import Shadow
from gateway_runtime.schema.policy import Phase
from gateway_runtime.schema.trace import Outcome


class Watcher(Protocol):
    """Who is told. `began` comes before a policy runs, and gives what `ended` gets back."""

    def began(self, context: RequestContext, policy: str, phase: Phase) -> Any: ...

    def ended(self, started: Any, outcome: Outcome, code: str, seconds: float) -> None: ...


def watched(chain: Chain, watcher: Watcher) -> Chain:
    """Return a chain for one request."""
    return chain.with_steps(
        tuple(_watched(step, watcher, Phase.REQUEST_HEADERS, Phase.REQUEST_BODY) for step in chain.request),
        tuple(_watched(step, watcher, Phase.RESPONSE_HEADERS, Phase.RESPONSE_BODY) for step in chain.response),
    )


def _watched(step: Step, watcher: Watcher, head: Phase, body: Phase) -> Step:
    condition = step.condition

    def holds(context: RequestContext) -> bool:
        held = condition(context)  # type: ignore[misc]
        if not held:
            watcher.ended(watcher.began(context, step.policy, head), Outcome.NOT_BOUND, "", 0.0)
        return held

    return step._replace(
        handler=_handler(step, step.handler, watcher, head),
        condition=None if condition is None else holds,
        body=None if step.body is None else _handler(step, step.body, watcher, body),
    )


def _handler(
    step: Step, handler: Callable[[RequestContext], Any], watcher: Watcher, phase: Phase
) -> Callable[[RequestContext], Any]:
    shadow = handler if isinstance(handler, Shadow) else getattr(handler, "__self__", None)

    def run(context: RequestContext) -> Any:
        started = watcher.began(context, step.policy, phase)
        verdicts: list[str] = []
        begin = perf_counter()
        try:
            if isinstance(shadow, Shadow):
                # A verdict that is waited for comes too late for this request.
                with shadow.overheard(verdicts.append):
                    result = handler(context)
            else:
                result = handler(context)
        except Exception as error:
            watcher.ended(started, *_error(error), perf_counter() - begin)
            raise
        if result is None or result is NEEDS_BODY or type(result) is Response:
            watcher.ended(started, *_said(result, verdicts), perf_counter() - begin)
            return result
        return wait(result, started, begin)

    async def wait(waiting: Awaitable[Any], started: Any, begin: float) -> Any:
        try:
            result = await waiting
        except Exception as error:
            watcher.ended(started, *_error(error), perf_counter() - begin)
            raise
        watcher.ended(started, *_said(result, ()), perf_counter() - begin)
        return result

    return run


def _said(result: Any, verdicts: Sequence[str]) -> tuple[Outcome, str]:
    if verdicts:
        return Outcome.WOULD_REFUSE, verdicts[0]
    if result is None:
        return Outcome.CONTINUED, ""
    if result is NEEDS_BODY:
        return Outcome.NEEDS_BODY, ""
    return (Outcome.REFUSED if result.code else Outcome.ANSWERED), result.code


def _error(error: Exception) -> tuple[Outcome, str]:
    if isinstance(error, Refused):
        return Outcome.REFUSED, error.response.code
    return Outcome.FAILED, "internal_error"
