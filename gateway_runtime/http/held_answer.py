"""An answer that is not written yet: a response policy waits for something, or has to see the whole body."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from gateway_runtime.http.filtering import FilteredAnswer
from gateway_runtime.http.gathering import Gathering, most_gathered
from gateway_runtime.http.headers import CONTENT_DIGESTS
from gateway_runtime.http.upstream_head import judged_lines
from gateway_runtime.policies.chain import passed_through
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody
from gateway_runtime.tasks import spawn
from gateway_runtime.upstream.errors import TOO_LARGE
from gateway_runtime.upstream.response import BODILESS, CHUNKED

if TYPE_CHECKING:
    from gateway_runtime.http.reply import Reply

# What a walk of response policies comes to.
Outcome = NeedsBody | Awaitable[NeedsBody | None] | None


class HeldAnswer:
    """Takes the pieces of the body instead of the caller until the policies have come to an end.

    `length` is what the head says of the body, negative where it does not say it; `framing` its line, if any.
    """

    __slots__ = ("_bodiless", "_done", "_framing", "_length", "_pieces", "_status", "_wanted")

    def __init__(self, reply: Reply, status: int, framing: bytes, length: int, body: bytes, done: bool) -> None:
        self._status = status
        self._framing = framing
        self._length = length
        self._pieces = Gathering(most_gathered(reply), (body,))
        self._done = done
        self._wanted = False
        # Without a length there is no body either where a gRPC caller is refused: its answer is a head.
        self._bodiless = reply.request.method == b"HEAD" or status in BODILESS or (not length and not framing)

    def take(self, reply: Reply, body: bytes, done: bool) -> bytes | None:
        """Take a piece. There is nothing to write."""
        self._done = done
        self._pieces.add(body)
        if self._wanted:
            self._gather(reply)
        return None

    def follow(self, reply: Reply, outcome: Outcome) -> None:
        """Do what the policies have come to."""
        if outcome is None:
            self._write(reply)
        elif outcome is NEEDS_BODY:
            self._wanted = True
            _read_on(reply)
            self._gather(reply)
        else:
            if reply.upstream is not None:
                reply.upstream.hold(True)
            spawn("response-policies", self._follow_later(reply, outcome))  # type: ignore[arg-type]

    async def _follow_later(self, reply: Reply, waiting: Awaitable[NeedsBody | None]) -> None:
        try:
            outcome = await waiting
        except Exception as error:
            reply.policy_failed(error)
            return
        if not reply.ended and reply.intake is self:
            self.follow(reply, outcome)

    def _gather(self, reply: Reply) -> None:
        pieces, context, api = self._pieces, reply.context, reply.api
        if max(pieces.size, self._length) > pieces.most:
            reply.refuse(TOO_LARGE)
            return
        if not self._done:
            reply.client.wait_for_stream()
            return
        assert context is not None
        assert api is not None
        assert api.chain is not None
        self._wanted = False
        context.response_body = pieces.whole()
        if self._bodiless:
            context.response_filters = None
        try:
            outcome = api.chain.resume_response(context)
        except Exception as error:
            reply.policy_failed(error)
        else:
            self.follow(reply, outcome)

    def _write(self, reply: Reply) -> None:
        """Write what is here, and let the rest follow as it comes."""
        context = reply.context
        assert context is not None
        filters, context.response_filters = context.response_filters, None
        body, status = context.response_body, context.response_status
        gathered = body is not None
        keeps = not gathered and all(each.keeps_length for each in filters or ())
        if self._bodiless or status in BODILESS:
            framing = self._framing if keeps else b""
            if (status in BODILESS) is not (self._status in BODILESS):
                # What one status says of a length is wrong for the other, and without any there would be no end.
                framing = b"" if status in BODILESS or reply.request.method == b"HEAD" else b"content-length: 0"
            if reply.upstream is not None:
                reply.upstream.abandon()
                reply.upstream = None
            lines = judged_lines(context.response_headers)
            reply.write_held(status, [*lines, framing] if framing else lines, b"", 0, True)
            return
        if body is None:
            body = self._pieces.whole()
        done, length, following = self._done, self._length, None
        try:
            if filters and done:
                body = passed_through(filters, body)
            elif filters:
                length = length if keeps else CHUNKED
                following = FilteredAnswer(filters, length)
                body = following.begin(body)
        except Exception as error:
            reply.policy_failed(error)
            return
        if gathered or (filters and done):
            length, framing = len(body), b"content-length: %d" % len(body)
        else:
            framing = self._framing if length >= 0 else b""
        fields = context.response_headers
        if not keeps and (following is not None or body != self._pieces.whole()):
            fields = [field for field in fields if field[0] not in CONTENT_DIGESTS]
        lines = judged_lines(fields)
        _read_on(reply)
        reply.write_held(status, [*lines, framing] if framing else lines, body, length, done, following)


def _read_on(reply: Reply) -> None:
    if reply.upstream is not None:
        reply.upstream.hold(False)
