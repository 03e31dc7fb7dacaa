"""The exchange of one stream: the same as over HTTP/1.1 up to where something is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpack import NeverIndexedHeaderTuple

from gateway_runtime.http.exchange import Exchange
from gateway_runtime.http.flow_control import NOT_CONNECTED
from gateway_runtime.http.framing import line_field
from gateway_runtime.http.gathering import Gathering, gather_more
from gateway_runtime.http.message import Request
from gateway_runtime.http.refusals import BadMessage
from gateway_runtime.http.responses import problem
from gateway_runtime.http2.body import StreamBody
from gateway_runtime.http2.coding import Field
from gateway_runtime.http2.grpc import is_grpc, refusal_fields
from gateway_runtime.policies.results import Response
from gateway_runtime.upstream.response import ResponseHead

if TYPE_CHECKING:
    from gateway_runtime.http.reply import Lines
    from gateway_runtime.http2.caller import CallerStream

_GRPC_OK = 200
# Remembering these would only push out what comes again; and a cookie is a secret.
_CHANGING = frozenset({b"content-length", b"date", b"etag", b"last-modified", b"set-cookie", b"traceparent"})


class StreamExchange(Exchange):
    """One request of one stream. Trailers are passed on, which is what gRPC needs."""

    __slots__ = ("_refused", "_trailers")

    version = "2"
    client: CallerStream
    body: StreamBody | None

    def __init__(self, client: CallerStream, request: Request) -> None:
        super().__init__(client, request)
        if request.length:
            self.body = StreamBody(request.length)
        self._trailers: list[Field] = []
        # What a refusal is called in HTTP, where a gRPC client is told something else.
        self._refused = 0

    # The request's body

    def take(self, data: bytes, ended: bool) -> None:
        """Take a piece of the body."""
        body = self.body
        assert body is not None
        try:
            body.take(data, ended)
        except BadMessage as error:
            self.break_off(error.response)
            return
        upstream = self.upstream
        if upstream is None:
            held = self.held
            if type(held) is Gathering:
                gather_more(self, held, data)
            else:
                # In one piece: frames of one byte each would take forty times their size.
                if held is None:
                    held = self.held = [bytearray()]  # type: ignore[list-item]
                held[0] += data  # type: ignore[index]
                if not ended:
                    self.client.gate.pause(NOT_CONNECTED)
        else:
            if data:
                upstream.send_body(data, body.chunked)
            if ended and body.chunked:
                upstream.end_body(body.trailers)
        if self.begun:
            # Both ways at once: what one side says keeps the stream alive for the other.
            self.client.wait_for_stream()
        elif ended:
            self.client.wait_for_answer()
        else:
            self.client.wait_for_body()

    # Told by the upstream connection

    def on_interim(self, head: ResponseHead) -> None:
        """Pass an interim answer on."""
        if self.intake is None:
            self.client.send_head(head.status, head.fields(), ended=False)
            self.client.connection.flush()

    def on_head(self, head: ResponseHead, body: bytes, done: bool) -> None:
        """Begin the answer; with `done` it is also its end."""
        if self.judged:
            super().on_head(head, body, done)
            return
        if done:
            self.upstream = None
        self._begin(head.status, head.fields(), body, done)

    def on_body(self, body: bytes, done: bool) -> None:
        """Pass a piece of the answer on."""
        if done:
            self.upstream = None
        if self.intake is not None:
            passed = self.intake.take(self, body, done)
            if passed is None:
                return
            body = passed
        self.bytes_out += len(body)
        self._send(body, done)

    def on_trailers(self, fields: list[Field]) -> None:
        """Keep them for the end of the answer, which is told next."""
        self._trailers = fields

    # Writing

    def answer(self, response: Response) -> None:
        """Answer with a problem, or in the way that a gRPC client understands."""
        self._trailers = []  # of an answer that is not given
        if not is_grpc(self.request.headers()):
            super().answer(response)
            return
        self._refused = response.status
        fields = refusal_fields(response)
        waiting, self.intake = self.intake is not None, None
        if self.judged and not waiting:
            self._run_policies(None, _GRPC_OK, fields, b"", b"", True)
        else:
            self._begin(_GRPC_OK, fields, b"", True)

    def keeps_client(self) -> bool:
        """Say no, so that every answer that policies have been at comes to `_write_head`."""
        return False

    def _write_head(self, status: int, lines: Lines, body: bytes, length: int, done: bool) -> None:
        self._begin(status, [line_field(line) for line in lines], body, done)

    def _begin(self, status: int, fields: list[Field], body: bytes, done: bool) -> None:
        self.begun = True
        self.status = self._refused or status
        # As it would be without compression, which is what callers compare.
        self.bytes_out = sum(len(name) + len(value) for name, value in fields) + len(body)
        fields = [
            NeverIndexedHeaderTuple(*field) if field[0] in _CHANGING else field  # type: ignore[misc]
            for field in fields
        ]
        fields.append(NeverIndexedHeaderTuple(b"x-request-id", self.request_id))  # type: ignore[arg-type]
        whole = done and not body and not self._trailers
        self.client.send_head(status, fields, ended=whole)
        if whole:
            self.client.connection.flush()
            self._complete()
        else:
            self._send(body, done)

    def _send(self, body: bytes, done: bool) -> None:
        client = self.client
        if done:
            client.trailers = self._trailers
            client.send(body, ended=True)
            self._complete()
        else:
            client.send(body)
            client.wait_for_stream()

    def _complete(self) -> None:
        self.complete = True
        self.reply_complete()

    def reply_complete(self) -> None:
        """The whole answer has been given to the stream. What is still to come of the request is not wanted."""
        self.record()
        self.client.exchange_ended()


def problem_fields(response: Response, body: bytes) -> list[Field]:
    """Return the headers of a problem."""
    fields = [line_field(line) for line in problem(response).lines]
    return [*fields, (b"content-length", b"%d" % len(body))]
