"""The answer to one request: the response policies, one head in one write, the body as it comes, the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gateway_runtime.http.chunked import LAST_CHUNK, encode_chunk
from gateway_runtime.http.flow_control import NOT_CONNECTED
from gateway_runtime.http.framing import line_field
from gateway_runtime.http.held_answer import HeldAnswer
from gateway_runtime.http.refusals import INTERNAL_ERROR
from gateway_runtime.http.responses import (
    CHUNKED_FIELD,
    CLOSE,
    HEAD_LAST,
    HEAD_LAST_10,
    KEEP_ALIVE,
    begin_head,
    head_bytes,
    problem,
    problem_body,
)
from gateway_runtime.http.upstream_head import judged_lines
from gateway_runtime.log import log
from gateway_runtime.policies.context import OWN_ANSWER
from gateway_runtime.policies.results import Refused, Response
from gateway_runtime.upstream.response import BODILESS

if TYPE_CHECKING:
    from gateway_runtime.http.body import RequestBody
    from gateway_runtime.http.caller import Caller
    from gateway_runtime.http.filtering import FilteredAnswer
    from gateway_runtime.http.message import Request
    from gateway_runtime.http.state import WorkerState
    from gateway_runtime.policies.context import RequestContext
    from gateway_runtime.routing.compiled import CompiledApi, CompiledRoute
    from gateway_runtime.telemetry.tracing import Following
    from gateway_runtime.upstream.connection import Asked
    from gateway_runtime.upstream.response import ResponseHead
    from gateway_runtime.upstream.target import TargetConnections

Lines = list[bytes]


class Reply:
    """The half of an exchange that answers. A base class, because a second object would cost each request 0.3 µs.

    `begun`: the head of the answer has been written; `complete`: so has its end. `judged`: response policies see it.
    """

    __slots__ = (  # noqa: RUF023 (grouped by purpose)
        # whose
        "client", "request", "request_id", "state",
        # where to
        "api", "body", "context", "discarding", "route", "upstream",
        # the answer
        "answer_chunked", "begun", "bytes_out", "complete", "intake", "judged", "status",
        # measured
        "asked", "code", "ended", "policy", "started", "target",
        # where it is traced (see `traced`)
        "trace",
    )  # fmt: skip

    # Of HTTP, where it is not 1.0.
    version: ClassVar[str] = "1.1"
    client: Caller
    request: Request
    request_id: bytes
    state: WorkerState
    api: CompiledApi | None
    body: RequestBody | None
    context: RequestContext | None
    discarding: bool
    route: CompiledRoute | None
    upstream: Asked | None
    answer_chunked: bool
    begun: bool
    bytes_out: int
    complete: bool
    judged: bool
    status: int
    intake: HeldAnswer | FilteredAnswer | None  # what takes the body instead of the client
    asked: float
    code: str
    ended: bool
    policy: str
    started: float
    target: TargetConnections | None  # who was asked last
    trace: Following

    def refuse(self, response: Response) -> None:
        """Answer instead of the service. Said by the other half."""
        raise NotImplementedError

    @property
    def answered(self) -> bool:
        """Whether it is over or an answer is under way, perhaps held by a policy: no service is asked any more."""
        return self.ended or self.begun or self.intake is not None

    # Told by the upstream connection

    def on_interim(self, head: ResponseHead) -> None:
        """Pass an interim answer on; HTTP/1.0 does not know them."""
        if not self.request.http10 and self.intake is None:
            self.client.transport.write(head_bytes(head.status, head.lines, self.request_id))

    def on_head(self, head: ResponseHead, body: bytes, done: bool) -> None:
        """Begin the answer; with `done` it is also its end."""
        length = head.length
        if done:
            self.upstream = None
        if self.judged:
            fields = head.fields()
            self._run_policies(head, head.status, fields, head.framing, body, done)
        elif done and length >= 0 and self.keeps_client():
            # An answer that is here to its end and that nobody changes: what most are.
            sent = head.sent
            if not sent:
                sent = head.sent = begin_head(head.status, head.lines)
            self._write_whole(head.status, sent, body)
        else:
            self._write_head(head.status, head.lines, body, length, done)

    def on_body(self, body: bytes, done: bool) -> None:
        """Pass a piece of the answer on."""
        if done:
            self.upstream = None
        if self.intake is not None:
            passed = self.intake.take(self, body, done)
            if passed is None:
                return
            body = passed
        if self.answer_chunked:
            if body:
                body = encode_chunk(body)
            if done:
                body += LAST_CHUNK
        if body:
            self.client.transport.write(body)
            self.bytes_out += len(body)
        if done:
            self.complete = True
            self.reply_complete()
        else:
            self.client.wait_for_stream()

    def on_trailers(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Drop them: a client of HTTP/1.1 mostly cannot read any, and none may be lost that matters (RFC 9110)."""

    # Writing

    def answer(self, response: Response) -> None:
        """Answer with a problem. Only where no answer has begun."""
        found = problem(response)
        body = problem_body(found, self.request_id)
        # Not every answer may say a length (RFC 9110 section 8.6), and a 304 could only say that of another one.
        framing = b"" if response.status in BODILESS else b"content-length: %d" % len(body)
        lines = [*found.lines, framing] if framing else [*found.lines]
        waiting, self.intake = self.intake is not None, None
        if self.request.method == b"HEAD" or not framing:
            body = b""
        if self.judged and not waiting:  # the policies that wait now have had their turn
            fields = [line_field(line) for line in lines]
            self._run_policies(None, response.status, fields, framing, body, True)
        else:
            self._write_head(response.status, lines, body, len(body), True)

    def policy_failed(self, error: Exception) -> None:
        """Answer 500: a request never passes a policy that could not judge it. One may have an answer of its own."""
        refused = type(error) is Refused
        if not refused:
            log.error("policy_failed", error=error, api=self.api.id if self.api else "")
        # Its answer is not shown to the API's response policies: one of them may be what has failed.
        self.judged = False
        if not self.ended and not self.complete:
            self.refuse(error.response if refused else INTERNAL_ERROR)  # type: ignore[attr-defined]

    def _run_policies(
        self,
        head: ResponseHead | None,
        status: int,
        fields: list[tuple[bytes, bytes]],
        framing: bytes,
        body: bytes,
        done: bool,
    ) -> None:
        """Let the response policies see the answer, which is the gateway's own without `head`, and write it."""
        context = self.context
        assert context is not None
        assert self.api is not None
        assert self.api.chain is not None
        if head is None:
            length = len(body)
            context.note(OWN_ANSWER, True)
        else:
            length = head.length
        context.response_status = status
        context.response_headers = fields
        try:
            outcome = self.api.chain.run_response(context)
        except Exception as error:
            self.policy_failed(error)
            return
        given = context.response_status
        reframed = given != status and (given in BODILESS) is not (status in BODILESS)
        if outcome is not None or context.response_filters is not None or reframed:
            held = self.intake = HeldAnswer(self, status, framing, length, body, done)
            held.follow(self, outcome)
            return
        status = given
        fields = context.response_headers
        if head is None or not done or length < 0 or not self.keeps_client():
            self._write_head(status, _framed(fields, framing), body, length, done)
            return
        judged = head.judged
        if judged is None or judged[0] != status or judged[1] != fields:
            # Kept with the head: the same answer mostly leaves the policies in the same way.
            judged = head.judged = (status, fields.copy(), begin_head(status, _framed(fields, framing)))
        self._write_whole(status, judged[2], body)

    def write_held(
        self, status: int, lines: Lines, body: bytes, length: int, done: bool, following: FilteredAnswer | None = None
    ) -> None:
        """Write an answer that was held until now. What is still to come of it goes through `following`."""
        self.intake = following
        self._write_head(status, lines, body, length, done)

    def _write_whole(self, status: int, sent: bytes, body: bytes) -> None:
        """Write an answer that is here to its end and after which the connection stays open."""
        last = HEAD_LAST_10 if self.request.http10 else HEAD_LAST
        data = b"".join((sent, self.request_id, last, body))
        self.status = status
        self.bytes_out = len(data)
        self.begun = self.complete = True
        self.client.transport.write(data)
        self.reply_complete()

    def _write_head(self, status: int, lines: Lines, body: bytes, length: int, done: bool) -> None:
        """Write a head and the beginning of its body. `length` is negative where the service has not said it."""
        client = self.client
        extra: tuple[bytes, ...] = ()
        chunked = self.answer_chunked = length < 0 and not self.request.http10
        if chunked:
            extra = (CHUNKED_FIELD,)
            if body:
                body = encode_chunk(body)
            if done:
                body += LAST_CHUNK
        elif length < 0:
            client.close_after_reply()
        if not self.keeps_client():
            client.close_after_reply()
            extra += (CLOSE,)
        elif self.request.http10:
            extra += (KEEP_ALIVE,)
        data = head_bytes(status, lines, self.request_id, extra) + body
        self.status = status
        self.begun = True
        self.bytes_out = len(data)
        client.transport.write(data)
        if done:
            self.complete = True
            self.reply_complete()
        else:
            client.wait_for_stream()

    def keep_refusal(self, response: Response) -> None:
        """Remember for a while that the gateway has answered, and why."""
        self.state.refusals.keep(self, response)

    # Ending

    def go_away(self) -> None:
        """The listener closes. An answer that is under way is given to its end."""

    def reply_complete(self) -> None:
        """The whole answer has been written. The exchange ends when the request has arrived, too."""
        body = self.body
        if body is None or body.done or self.client.closing:
            self.record()
            self.client.exchange_ended()
        else:
            self.discarding = True
            self.client.wait_for_body()
            self.client.gate.resume(NOT_CONNECTED)

    def keeps_client(self) -> bool:
        """Tell whether the connection can take another request after this one. Asked when the head is written."""
        body = self.body
        if self.client.closing or self.state.draining or not self.request.keep_alive:
            return False
        if body is None or body.done:
            return True
        # A client that was not told to continue may or may not send its body: nobody could tell it from a request.
        told = not self.request.expects_continue or self.asked or body.received
        return bool(told) and body.soon_done(self.state.limits.drain_bytes)

    def replaced(self) -> None:
        """A tunnel has taken the place of the exchange. What passes through it is none of this request."""

    def record(self) -> None:
        """Count the exchange, once."""
        if self.ended:
            return
        self.ended = True
        now = self.state.clock()
        api = self.api
        route = self.route
        context = self.context
        body = self.body
        self.state.recorder.record(
            "" if api is None else api.counted_as,
            "" if route is None else route.id,
            "" if context is None else context.application,
            self.status,
            self.policy,
            self.code,
            self.request.head_bytes if body is None else self.request.head_bytes + body.received,
            self.bytes_out,
            int((now - self.started) * 1_000_000),
            int((now - self.asked) * 1_000_000) if self.asked else -1,
        )
        log = self.state.access_log if api is None else api.access_log
        if log is not None:
            log.write(self, now)


def _framed(fields: list[tuple[bytes, bytes]], framing: bytes) -> Lines:
    """Return the lines of headers that policies have been at, with the length that the gateway has read."""
    lines = judged_lines(fields)
    return [*lines, framing] if framing else lines
