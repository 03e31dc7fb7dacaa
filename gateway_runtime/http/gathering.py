"""A request's body where policies have to do with it: read to its end, changed, and sent as they leave it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway_runtime.http.flow_control import NOT_CONNECTED
from gateway_runtime.http.headers import CONTENT_DIGESTS
from gateway_runtime.http.message import CHUNKED
from gateway_runtime.http.refusals import CONTENT_TOO_LARGE
from gateway_runtime.http.upstream_head import judged_head, resized_head
from gateway_runtime.policies.chain import passed_through
from gateway_runtime.policies.results import Refused

if TYPE_CHECKING:
    from gateway_runtime.http.exchange import Exchange
    from gateway_runtime.http.reply import Reply
    from gateway_runtime.policies.context import RequestContext
    from gateway_runtime.upstream.connection import Asked
    from gateway_runtime.upstream.target import TargetConnections


class Gathering:
    """The pieces of a body that have come so far, of which there may be `most` bytes.

    They are put together as they come: pieces of one byte each would take forty times their size.
    """

    __slots__ = ("_first", "_more", "most", "size")

    def __init__(self, most: int, pieces: Iterable[bytes] = ()) -> None:
        self.most = most
        self.size = 0
        self._first = b""
        self._more: bytearray | None = None
        for piece in pieces:
            self.add(piece)

    def add(self, piece: bytes) -> None:
        """Take a piece."""
        self.size += len(piece)
        if self._more is not None:
            self._more += piece
        elif self._first:
            self._more = bytearray(self._first)
            self._more += piece
        else:
            self._first = bytes(piece)

    def whole(self) -> bytes:
        """Return all that has come, the same object until more comes."""
        if self._more is not None:
            self._first, self._more = bytes(self._more), None
        return self._first


def most_gathered(reply: Reply) -> int:
    """Return how many bytes of a body may be kept for a policy."""
    limits = None if reply.api is None else reply.api.limits
    own = None if limits is None else limits.buffered_body_bytes
    return reply.state.limits.buffered_body_bytes if own is None else own


def gather(exchange: Exchange) -> None:
    """Read the request's body for the policy that has asked for it, and go on with that policy."""
    body, client, request = exchange.body, exchange.client, exchange.request
    if body is None:
        _resume(exchange, b"")
        return
    most = most_gathered(exchange)
    gathering = exchange.held = Gathering(most, exchange.held or ())  # type: ignore[arg-type]
    if request.length > most:
        exchange.break_off(CONTENT_TOO_LARGE)
        return
    gather_more(exchange, gathering, b"")
    if exchange.held is gathering and not body.done:
        if request.expects_continue and not body.received:
            client.send_continue()
        client.wait_for_body()
        client.gate.resume(NOT_CONNECTED)


def gather_more(exchange: Exchange, gathering: Gathering, piece: bytes) -> None:
    """Take a piece of a body that is gathered."""
    if piece:
        gathering.add(piece)
    if gathering.size > gathering.most:
        exchange.break_off(CONTENT_TOO_LARGE)
    elif exchange.body.done:  # type: ignore[union-attr]
        _resume(exchange, gathering.whole())


def _resume(exchange: Exchange, body: bytes) -> None:
    context, api = exchange.context, exchange.api
    assert context is not None
    assert api is not None
    assert api.chain is not None
    context.body = body
    try:
        result = api.chain.resume_request(context)
    except Exception as error:
        exchange.policy_failed(error)
    else:
        exchange.go_on(result)


def settle(exchange: Exchange, context: RequestContext) -> bool:
    """Make of the body what the request policies want it to be. Tell whether the request goes on.

    A body that has come to its end is whole from now on: it goes out with its length, and may be sent again.
    """
    body, held = exchange.body, exchange.held
    filters, whole = context.request_filters, context.body
    before = held.whole() if type(held) is Gathering else b""
    if body is None:
        context.request_filters = filters = None
    elif whole is None and body.done:
        before = whole = b"".join(held or ())  # type: ignore[arg-type]
    if whole is None:
        if not all(each.keeps_length for each in filters or ()):
            _drop_digests(context)
        return True
    if filters is not None:
        context.request_filters = None
        try:
            whole = passed_through(filters, whole)
        except Refused as refused:
            exchange.break_off(refused.response)
            return False
        except Exception as error:
            exchange.policy_failed(error)
            return False
    exchange.held = None
    context.body = whole
    if whole != before:
        _drop_digests(context)
    return True


def _drop_digests(context: RequestContext) -> None:
    context.headers = [field for field in context.headers if field[0] not in CONTENT_DIGESTS]


def rebodied_head(exchange: Exchange, context: RequestContext, target: TargetConnections) -> bytes:
    """Return the whole head of a request whose body is not sent on as it comes, or that a policy has to see sent."""
    for call in context.when_sent or ():
        call(target.authority)
    request, whole = exchange.request, context.body
    forwarded, request_id = exchange.client.forwarded, exchange.request_id
    if whole is None:
        same = request.length >= 0 and all(each.keeps_length for each in context.request_filters or ())
        length = request.length if same else CHUNKED
    else:
        length = CHUNKED if exchange.body is not None and exchange.body.trailers else len(whole)
    if length == request.length or request.websocket:
        return judged_head(request, target, exchange.path, context.headers, forwarded, request_id)
    return resized_head(request, target, exchange.path, context.headers, forwarded, request_id, length)


def send_whole(exchange: Exchange, upstream: Asked, whole: bytes) -> None:
    """Send a body that is here to its end."""
    trailers = exchange.body.trailers if exchange.body is not None else ()
    if whole and not exchange.request.websocket:
        upstream.send_body(whole, bool(trailers))
    if trailers:
        upstream.end_body(trailers)
