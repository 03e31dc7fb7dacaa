"""Whole bodies as values of expressions, read once for all policies that look at the same one."""

from collections.abc import Callable
from typing import Any

from gateway_runtime.expressions.errors import Failure
from gateway_runtime.expressions.expression import Expression
from gateway_runtime.expressions.given import Given
from gateway_runtime.expressions.payload import read_payload
from gateway_runtime.policies.context import Headers, RequestContext
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody

_REQUEST, _RESPONSE = "payload of request", "payload of response"
_EVENTS = b"text/event-stream"


def request_payload(context: RequestContext) -> Any | Failure:
    """Return the value of the request's body, which has been read. Null without one."""
    return _payload(context, _REQUEST, context.body, context.headers)


def response_payload(context: RequestContext) -> Any | Failure:
    """Return the value of the answer's body, which has been read. Null without one."""
    return _payload(context, _RESPONSE, context.response_body, context.response_headers)


def of_request(expression: Expression) -> Callable[[RequestContext], Any]:
    """Return what evaluates an expression about a request, whose body has been read if the expression uses it."""
    evaluate = expression.evaluate
    if not expression.uses_payload:
        return evaluate
    return lambda context: evaluate(context, Given(payload=request_payload(context)))


def request_handlers(judge: Callable[[RequestContext], Any], *, reads_body: bool) -> dict[str, Any]:
    """Return the request handlers of a policy whose expressions may or may not look at the body."""
    return {"request_headers": _ask, "request_body": judge} if reads_body else {"request_headers": judge}


def _ask(context: RequestContext) -> NeedsBody:
    return NEEDS_BODY


def _payload(context: RequestContext, note: str, body: bytes | None, headers: Headers) -> Any | Failure:
    if not body:
        return None
    kind = field(headers, b"content-type")
    known = context.notes.get(note) if context.notes else None
    if known is None or known[0] is not body or known[1] != kind:
        known = (body, kind, read_payload(body, kind))
        context.note(note, known)
    return known[2]


def field(headers: Headers, name: bytes) -> bytes | None:
    """Return the value of a header, None without it and where there are several: another reader may take another."""
    found = [value for key, value in headers if key == name]
    return found[0] if len(found) == 1 else None


def is_endless(context: RequestContext) -> bool:
    """Tell whether the answer is a stream of events, whose end nobody should wait for."""
    kind = field(context.response_headers, b"content-type")
    return kind is not None and kind.lower().startswith(_EVENTS)
