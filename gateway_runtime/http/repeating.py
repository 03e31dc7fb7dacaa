"""Whether a request whose service has failed may be asked another time, and of whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway_runtime.upstream.errors import UpstreamError

if TYPE_CHECKING:
    from gateway_runtime.http.exchange import Exchange
    from gateway_runtime.upstream.target import TargetConnections

# Repeating these changes nothing more (RFC 9110 section 9.2.2).
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})


def target_again(exchange: Exchange, reason: str) -> TargetConnections | None:
    """Return the target to ask again, None where it may not be done."""
    if exchange.begun or exchange.intake is not None or exchange.request.method not in _IDEMPOTENT:
        return None
    if exchange.body is not None and (exchange.context is None or exchange.context.body is None):
        return None  # it has gone, while one that is held whole can be sent again
    assert exchange.route is not None
    pool = exchange.route.pool
    failed = None if exchange.upstream is None else exchange.upstream.target
    if not pool.may_repeat(reason, exchange.tries):
        return None
    try:
        # A kept connection may be closed by the service at any time; a new one tells what is really the matter.
        return pool.choose(exchange) if reason == "stale" else pool.another(exchange, failed)
    except UpstreamError:
        return None
