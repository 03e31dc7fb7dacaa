"""What is made of answers and failures where a service asks for it: counted, and perhaps tried another time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet, proxy

from gateway_runtime.policies.results import Response
from gateway_runtime.schema.upstream import CircuitBreaker, Outliers, Retries

if TYPE_CHECKING:
    from gateway_runtime.clock import Clock
    from gateway_runtime.http.exchange import Exchange
    from gateway_runtime.upstream.connection import Asked
    from gateway_runtime.upstream.pool import Pool
    from gateway_runtime.upstream.response import ResponseHead
    from gateway_runtime.upstream.target import TargetConnections

# Retries that can be saved up in quiet times: as many as may be needed when a target with many requests under way dies.
_SAVED = 100.0
SWITCHING_PROTOCOLS = 101
_OFF = Retries(enabled=False)
_NOTHING_COUNTS = Outliers(statuses=())


class RetryBudget:
    """A bucket of retries that each request fills a little, and so does time: retries never multiply an outage."""

    __slots__ = ("_at", "_clock", "_per_second", "_share", "_tokens")

    def __init__(self, retries: Retries, clock: Clock) -> None:
        self._share = retries.budget_percent / 100
        self._per_second = retries.budget_per_second
        self._clock = clock
        self._at = clock()
        self._tokens = min(self._per_second, _SAVED)

    def count_request(self) -> None:
        """Add the share of one request."""
        self._tokens = min(self._tokens + self._share, _SAVED)

    def take(self) -> bool:
        """Take one retry. Tell whether there was one."""
        now = self._clock()
        tokens = min(self._tokens + (now - self._at) * self._per_second, _SAVED)
        self._at = now
        taken = tokens >= 1
        self._tokens = tokens - 1 if taken else tokens
        return taken


class Watch:
    """How one pool looks at every request: made where retries, outliers or a limit of retries are asked for."""

    __slots__ = ("_budget", "_failures", "_most_retries", "pool", "retries", "statuses", "under_way")

    def __init__(
        self,
        pool: Pool,
        retries: Retries | None,
        outliers: Outliers | None,
        breaker: CircuitBreaker | None,
        clock: Clock,
    ) -> None:
        # Whoever asks has the pool. A circle would have to wait for the collector, for ever if it was frozen.
        self.pool: Pool = proxy(pool)
        self.retries = retries or _OFF
        self.statuses = frozenset(self.retries.statuses if self.retries.enabled else ())
        self._failures = frozenset((outliers or _NOTHING_COUNTS).statuses)
        self._most_retries = breaker.max_retries if breaker else None
        self._budget = RetryBudget(self.retries, clock)
        # A retry is under way as long as a connection holds it.
        self.under_way: WeakSet[Attempt] = WeakSet()

    def attempt(self, exchange: Exchange, connection: Asked) -> Attempt:
        """Return what stands between a connection and the exchange that asks on it."""
        attempt = Attempt(self, exchange, connection)
        if exchange.tries > 1:
            self.under_way.add(attempt)
        else:
            self._budget.count_request()
        return attempt

    def may_retry(self, reason: str, tries: int) -> bool:
        """Tell whether one more attempt may be made after so many, and count it. `reason` as in `Retries.failures`."""
        retries = self.retries
        if not retries.enabled or tries >= retries.attempts:
            return False
        if reason != "status" and reason not in retries.failures:
            return False
        if self._most_retries is not None and len(self.under_way) >= self._most_retries:
            return False
        return self._budget.take()

    def answered(self, target: TargetConnections, status: int) -> None:
        """Count an answer."""
        health = target.health
        if health is None:
            return
        if status in self._failures:
            self.pool.failed(target, f"status_{status}")
        elif health.failures or health.on_trial:
            health.succeeded()


class Attempt:
    """Takes what a connection tells, and passes on what the exchange is to know."""

    __slots__ = ("__weakref__", "_connection", "_exchange", "_watch")

    def __init__(self, watch: Watch, exchange: Exchange, connection: Asked) -> None:
        self._watch = watch
        self._exchange = exchange
        self._connection = connection

    def on_interim(self, head: ResponseHead) -> None:
        """Pass it on."""
        self._exchange.on_interim(head)

    def on_head(self, head: ResponseHead, body: bytes, done: bool) -> None:
        """Count the answer. One that is to be tried again is thrown away."""
        watch, connection, exchange = self._watch, self._connection, self._exchange
        watch.answered(connection.target, head.status)
        if head.status in watch.statuses and exchange.ask_again("status"):
            if not done:
                connection.abandon()
            return
        exchange.on_head(head, body, done)

    def on_switch(self, head: bytes, rest: bytes) -> None:
        """Count the answer that opens a tunnel, and pass it on: what follows is not for this attempt."""
        self._watch.answered(self._connection.target, SWITCHING_PROTOCOLS)
        self._exchange.on_switch(head, rest)

    def on_body(self, body: bytes, done: bool) -> None:
        """Pass it on."""
        self._exchange.on_body(body, done)

    def on_trailers(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Pass them on."""
        self._exchange.on_trailers(fields)

    def on_failure(self, response: Response, *, stale: bool) -> None:
        """Count it, unless it was only an old connection."""
        if not stale:
            self._watch.pool.failed(self._connection.target, response.code)
        self._exchange.on_failure(response, stale=stale)

    def on_full(self, full: bool) -> None:
        """Pass it on."""
        self._exchange.on_full(full)

    def body_done(self) -> bool:
        """Ask the exchange."""
        return self._exchange.body_done()
