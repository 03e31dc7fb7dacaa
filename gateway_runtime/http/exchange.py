"""One request and its answer: match, admit, forward, reply, record.

Everything happens in callbacks of the two connections. Only what really waits (a policy with I/O, a new connection)
makes a task, for that request alone.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from gateway_runtime.http.body import RequestBody
from gateway_runtime.http.filtering import FilteredRequest
from gateway_runtime.http.flow_control import NOT_CONNECTED, PEER_IS_FULL
from gateway_runtime.http.gathering import Gathering, gather, gather_more, rebodied_head, send_whole, settle
from gateway_runtime.http.message import Request
from gateway_runtime.http.refusals import (
    CONTENT_TOO_LARGE,
    NO_API_HERE,
    NO_ROUTE,
    NOT_READY,
    REQUEST_TIMEOUT,
    BadMessage,
)
from gateway_runtime.http.repeating import target_again
from gateway_runtime.http.reply import Reply
from gateway_runtime.http.target import NOT_CANONICAL, path_is_canonical
from gateway_runtime.http.tunnel import switch
from gateway_runtime.http.upstream_head import judged_head, policy_headers, upstream_head
from gateway_runtime.policies.chain import Outcome
from gateway_runtime.policies.context import WEBSOCKET, RequestContext
from gateway_runtime.policies.results import NEEDS_BODY, Response
from gateway_runtime.tasks import spawn
from gateway_runtime.upstream.errors import RESET, TIMEOUT, UpstreamError

if TYPE_CHECKING:
    from gateway_runtime.http.caller import Caller
    from gateway_runtime.routing.compiled import CompiledApi
    from gateway_runtime.upstream.connection import Asked
    from gateway_runtime.upstream.target import TargetConnections

CLIENT_GONE = 499
# Why a client that would go on sending is not read: it is not the one who is late.
_NOT_READ = PEER_IS_FULL | NOT_CONNECTED


class Exchange(Reply):
    """One request of one client connection. The client connection starts it and is told when it has ended."""

    __slots__ = ("held", "path", "tries")

    def __init__(self, client: Caller, request: Request) -> None:
        state = self.state = client.state
        self.client = client
        self.request = request
        self.request_id = request.request_id or state.new_request_id()
        self.started = state.clock()
        # where to
        self.api = None
        self.route = None
        self.path = b""
        self.context = None
        # the request's body
        self.body = RequestBody(request.length) if request.length else None
        self.discarding = False
        # what of it has nowhere to go yet, or is gathered for a policy
        self.held: list[bytes] | Gathering | None = None
        # the service
        self.upstream = None
        self.tries = 1
        self.asked = 0.0
        self.target = None
        # the answer
        self.judged = False
        self.status = 0
        self.begun = False
        self.complete = False
        self.bytes_out = 0
        self.intake = None
        self.policy = ""
        self.code = ""
        self.ended = False

    # Match and admit

    def start(self) -> None:
        """Match the request and ask the API's policies. A refusal ends the exchange before this returns."""
        state = self.state
        request = self.request
        snapshot = state.snapshot
        if snapshot is None:
            return self.refuse(NOT_READY)
        api: CompiledApi | None
        place = request.place
        if place and place[0] is snapshot.token:
            # The head that came last, and the same snapshot: it belongs where it did.
            _, api, self.route, self.path = place
            self.api = api
        else:
            table = snapshot.ports.get(self.client.port)
            api = table.find(request.path) if table is not None else None
            if api is None:
                return self.refuse(NO_API_HERE)
            self.api = api
            if (api.special or request.trace_token) and (refusal := self._special(api)) is not None:
                return self.refuse(refusal)
            api = self.api
            found = api.find(request.method, request.path, request.host, request.headers)
            if found is None:
                return self.refuse(NO_ROUTE)
            self.route, self.path = found
            if self.route.rewrites and not path_is_canonical(self.path):
                return self.refuse(NOT_CANONICAL)
            if place is not None and api.settled:
                request.place = snapshot.token, api, self.route, self.path
        if self.body is not None and not self.body.done:
            self.client.wait_for_body()
        chain = api.chain
        if chain is not None and (chain.request or chain.response):
            self.judged = bool(chain.response)
            context = self.context = RequestContext(
                request.method,
                request.path,
                request.query or b"",
                policy_headers(request),
                self.client.peer,
                self.request_id,
            )
            context.host = request.host
            context.client_certificate = self.client.certificate
            context.api_path = request.path[api.base_length :] or b"/"
            context.body_length = request.length
            context.forward_path = self.path
            if request.websocket:
                context.note(WEBSOCKET, True)
            if chain.request:
                try:
                    result = chain.run_request(context)
                except Exception as error:
                    return self.policy_failed(error)
                if result is not None or context.request_filters is not None:
                    return self.go_on(result)
        return self._forward()

    def _special(self, api: CompiledApi) -> Response | None:
        """Do what only some APIs need, and return the answer where that is one.

        Begin to trace (`api` is another one then), mind the end, and take the limits that only this API has.
        """
        if api.tracing is not None or self.request.trace_token:
            from gateway_runtime.http.traced import follow  # whose exchanges are of this class

            follow(self)
        if api.minds_ends:
            from gateway_runtime.http.ending import mind_the_end

            mind_the_end(self)
        limits = api.limits
        if limits is None:
            return api.quarantine
        self.client.wait_for_answer()
        body, most = self.body, limits.body_bytes
        if body is not None and most is not None:
            if self.request.length > most or body.received > most:
                self.client.close_after_reply()
                return CONTENT_TOO_LARGE
            self.body = body.limited(most)
        return None

    def go_on(self, result: Outcome | Awaitable[Outcome]) -> None:
        """Do what the request policies have come to."""
        if type(result) is Response:
            self.refuse(result)
        elif result is NEEDS_BODY:
            gather(self)
        elif result is not None:
            spawn("policies", self._admit(result))  # type: ignore[arg-type]
        else:
            context = self.context
            assert context is not None
            if (context.body is None and context.request_filters is None) or settle(self, context):
                self._forward()

    async def _admit(self, waiting: Awaitable[Outcome]) -> None:
        try:
            result = await waiting
        except Exception as error:
            return self.policy_failed(error)
        if not self.answered:
            self.go_on(result)
        return None

    # Forward

    def _forward(self) -> None:
        assert self.route is not None
        try:
            target = self.route.pool.choose(self)
        except UpstreamError as error:
            return self.refuse(error.response)
        upstream = target.acquire(self.state.now)
        if upstream is None:
            spawn("connect", self._connect(target))
        else:
            self._ask(upstream)
        return None

    async def _connect(self, target: TargetConnections) -> None:
        assert self.route is not None
        pool = self.route.pool
        try:
            upstream = await pool.connect(target)
        except UpstreamError as error:
            if not self.answered:
                self.refuse(error.response)
            return
        if self.answered:
            upstream.target.release(upstream)
        elif upstream.transport.is_closing():
            self.on_failure(RESET, stale=False)
        else:
            self._ask(upstream)

    def _ask(self, upstream: Asked) -> None:
        self.upstream = upstream
        request = self.request
        context = self.context
        client = self.client
        target = self.target = upstream.target
        if context is None:
            head = upstream_head(request, target, self.path, client.forwarded, self.request_id)
        elif context.body is None and context.request_filters is None and context.when_sent is None:
            head = judged_head(request, target, self.path, context.headers, client.forwarded, self.request_id)
        else:
            head = rebodied_head(self, context, target)
        self.asked = self.state.clock()
        watch = self.route.pool.watch  # type: ignore[union-attr]
        upstream.ask(self if watch is None else watch.attempt(self, upstream), request.method, head)
        if not client.writable:
            upstream.client_full(True)
        if context is not None:
            if context.body is not None:
                send_whole(self, upstream, context.body)
            elif context.request_filters is not None:
                upstream = self.upstream = FilteredRequest(self, upstream, context.request_filters, request.length)
        body = self.body
        if body is None:
            return
        if body.done:
            client.wait_for_answer()
        else:
            client.wait_for_body()
        held, self.held = self.held, None
        if held is not None:
            for content in held:  # type: ignore[union-attr]
                if content:
                    upstream.send_body(content, body.chunked)
            if body.done and body.chunked:
                upstream.end_body(body.trailers)
            if self.upstream is not upstream:
                return  # a filter has refused it
        if request.expects_continue and not body.received and not body.done:
            client.send_continue()
        client.gate.resume(NOT_CONNECTED)

    # The request's body

    def body_done(self) -> bool:
        """Tell whether the whole request has arrived."""
        return self.body is None or self.body.done

    def feed(self, data: bytes) -> bytes:
        """Take body bytes. Return those that belong to the next request."""
        body = self.body
        assert body is not None
        try:
            content, rest = body.feed(data)
        except BadMessage as error:
            self.break_off(error.response)
            return b""
        if self.discarding:
            if body.done and self.complete:
                self._end()
            return rest
        upstream = self.upstream
        if upstream is None:
            held = self.held
            if type(held) is Gathering:
                gather_more(self, held, content)
            else:
                if held is None:
                    held = self.held = []
                held.append(content)  # type: ignore[union-attr]
                if not body.done:
                    self.client.gate.pause(NOT_CONNECTED)
        else:
            if content:
                upstream.send_body(content, body.chunked)
            if body.done and body.chunked:
                upstream.end_body(body.trailers)
        if not self.begun:
            if body.done:
                self.client.wait_for_answer()
            else:
                self.client.wait_for_body()
        return rest

    # Told by the upstream connection

    def on_switch(self, head: bytes, rest: bytes) -> None:
        """The service says that it speaks WebSocket now. Raises `UpstreamError` unless it was asked to."""
        switch(self, head, rest)

    def on_full(self, full: bool) -> None:
        """Read the client's body only as fast as the service takes it."""
        if full:
            self.client.gate.pause(PEER_IS_FULL)
        else:
            self.client.gate.resume(PEER_IS_FULL)

    def on_failure(self, response: Response, *, stale: bool) -> None:
        """The service's connection is gone. `stale`: it was an old one, and no byte of an answer has come."""
        self.client.gate.resume(PEER_IS_FULL)
        reason = "stale" if stale and self.tries == 1 else "reset"
        if response is RESET and self.ask_again(reason):
            return
        self.upstream = None
        self.break_off(response)

    def ask_again(self, reason: str) -> bool:
        """Ask a service another time where that changes nothing more and its pool lets it. Tell whether it will be."""
        target = target_again(self, reason)
        if target is None:
            return False
        self.upstream = None
        self.tries += 1
        spawn("connect", self._connect(target))
        return True

    # Ending

    def refuse(self, response: Response) -> None:
        """Answer instead of the service."""
        if self.begun:
            self.break_off(response)
            return
        self.policy = response.policy
        self.code = response.code
        self._drop_upstream()
        if response.code:
            self.keep_refusal(response)
        self.answer(response)

    def expire(self, response_seconds_passed: bool) -> None:
        """A deadline of the client connection has passed while this exchange was under way."""
        if self.begun or self.discarding:
            self.break_off(TIMEOUT)
        elif response_seconds_passed or self.intake is not None or self.client.gate.closed_by(_NOT_READ):
            # Policies that let an answer wait say nothing of the service that has begun it.
            held = response_seconds_passed and self.intake is not None
            if self.upstream is not None and self.route is not None and not held:
                self.route.pool.timed_out(self.upstream.target)
            self.refuse(TIMEOUT)
        else:
            self.client.close_after_reply()
            self.refuse(REQUEST_TIMEOUT)

    def client_lost(self) -> None:
        """The client has gone: its answer is wanted by nobody."""
        if not self.ended:
            if not self.begun:
                self.status = CLIENT_GONE
            self.code = self.code or "client_gone"
            self._drop_upstream()
            self.record()

    def break_off(self, response: Response) -> None:
        """Refuse, or cut the connection where the answer has begun: then nothing else can tell the client."""
        if self.begun:
            self.code = self.code or response.code
            self._drop_upstream()
            self.record()
            self.client.abort()
            return
        if response.status in (400, 408, 413):
            self.client.close_after_reply()
        self.refuse(response)

    def _drop_upstream(self) -> None:
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.abandon()
        self.client.gate.resume(PEER_IS_FULL)
        self.held = None

    def _end(self) -> None:
        self.record()
        self.client.exchange_ended()
