"""Policies that have to do with bodies, for tests."""

from __future__ import annotations

from typing import Any

from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import Refused, Response
from gateway_runtime.schema.policy import Handlers

NO = Response(status=422, code="bad_content", title="No", detail="No.", policy="reader")


class Filter:
    """Makes capitals of a body, puts `end` behind it, and refuses what has `bad` in it."""

    def __init__(self, end: bytes = b"", *, keeps_length: bool = True, bad: bytes = b"") -> None:
        self.keeps_length = keeps_length
        self._end = end
        self._bad = bad

    def feed(self, data: bytes) -> bytes:
        if self._bad and self._bad in data:
            raise Refused(NO)
        return data.upper()

    def finish(self) -> bytes:
        return self._end


class Swallow:
    """Holds everything back until the end."""

    keeps_length = False

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        self._held += data
        return b""

    def finish(self) -> bytes:
        return b"<" + self._held + b">"


def reader(change: Any = None, *, answers: bool = False, log: list[bytes] | None = None) -> Binding:
    """Return a policy that sees each request's body, or each answer's; `change` says what becomes of it."""

    def on_body(context: RequestContext) -> Any:
        body = context.response_body if answers else context.body
        assert body is not None
        if log is not None:
            log.append(body)
        changed = change(body) if change is not None else None
        if isinstance(changed, bytes):
            if answers:
                context.response_body = changed
            else:
                context.body = changed
            return None
        return changed

    return Binding("reader", Handlers(response_body=on_body) if answers else Handlers(request_body=on_body))


def filtering(make: Any, *, answers: bool = False) -> Binding:
    """Return a policy that puts a filter of its own into the way of each body."""

    def on_request(context: RequestContext) -> None:
        context.filter_request(make())

    def on_response(context: RequestContext) -> None:
        context.filter_response(make())

    return Binding(
        "filter", Handlers(response_headers=on_response) if answers else Handlers(request_headers=on_request)
    )
