"""An exchange that is traced. Those that are not know nothing of it, so that they need not even ask.

An exchange becomes one of these once it is known to be traced: another class of the same object, which notes what
happens and then does it. So the path of all other requests has no test and no call more.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from gateway_runtime.http.exchange import Exchange
from gateway_runtime.http.framing import line_field
from gateway_runtime.http2.exchange import StreamExchange
from gateway_runtime.policies.results import Response
from gateway_runtime.policies.watched import watched

if TYPE_CHECKING:
    from gateway_runtime.telemetry.tracing import Following
    from gateway_runtime.upstream.connection import Asked
    from gateway_runtime.upstream.response import ResponseHead
    from gateway_runtime.upstream.target import TargetConnections

_PARENT = b"traceparent"


class Traced(Exchange):
    """Notes what happens. Its methods are those of `Exchange`, each with a note."""

    __slots__ = ()

    trace: Following

    async def _connect(self, target: TargetConnections) -> None:
        self.trace.asking(f"{target.host}:{target.port}")
        await super()._connect(target)

    def _ask(self, upstream: Asked) -> None:
        trace = self.trace
        target = upstream.target
        trace.asking(f"{target.host}:{target.port}")
        if trace.spans is not None:
            self._carry(trace.spans.ask())
        super()._ask(upstream)

    def _carry(self, parent: bytes) -> None:
        """Let the service go on with the trace."""
        context = self.context
        if context is not None:
            context.headers = [field for field in context.headers if field[0] != _PARENT]
            context.headers.append((_PARENT, parent))
        # A copy: what its connection remembers of the request is for the next one, too.
        request = self.request = copy(self.request)
        request.lines = [line for line in request.lines if line_field(line)[0] != _PARENT]
        request.lines.append(_PARENT + b": " + parent)
        request.fields = request.around_id = request.judged = None

    def on_head(self, head: ResponseHead, body: bytes, done: bool) -> None:
        self.trace.answered(head.status)
        super().on_head(head, body, done)

    def on_switch(self, head: bytes, rest: bytes) -> None:
        self.trace.answered(101)
        super().on_switch(head, rest)

    def replaced(self) -> None:
        super().replaced()
        self.status = 101
        self.state.tracer.finish(self, self.trace)

    def on_failure(self, response: Response, *, stale: bool) -> None:
        self.trace.failed(response.code)
        super().on_failure(response, stale=stale)

    def ask_again(self, reason: str) -> bool:
        again = super().ask_again(reason)
        if again:
            self.trace.failed(reason)
        return again

    def refuse(self, response: Response) -> None:
        self.trace.failed(response.code)
        super().refuse(response)

    def keep_refusal(self, response: Response) -> None:
        if self.trace.kind is None:
            super().keep_refusal(response)

    def record(self) -> None:
        if not self.ended:
            super().record()
            # Where it ends while the service is still asked, nobody has answered.
            self.trace.failed(self.code)
            self.state.tracer.finish(self, self.trace)


class TracedExchange(Traced):
    """Over HTTP/1.1."""

    __slots__ = ()


class TracedStreamExchange(Traced, StreamExchange):
    """Over HTTP/2."""

    __slots__ = ()


def follow(exchange: Exchange) -> None:
    """Begin to trace an exchange whose API has been found, where it is to be traced."""
    # Nothing has waited yet, so this is still the snapshot that the request has taken.
    snapshot = exchange.state.snapshot
    assert snapshot is not None
    following = exchange.state.tracer.follow(exchange, snapshot)
    if following is None:
        return
    api = exchange.api
    assert api is not None
    exchange.__class__ = TracedStreamExchange if isinstance(exchange, StreamExchange) else TracedExchange  # type: ignore[assignment]
    exchange.trace = following
    if api.chain is not None:
        exchange.api = copy(api)
        exchange.api.chain = watched(api.chain, following)
