"""Tracing single requests in a worker: which ones, what is noted of them, and what is handed over of it."""

from __future__ import annotations

import os
from collections import deque
from random import random
from time import perf_counter, time
from typing import TYPE_CHECKING, Any

import msgspec

from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.document import ApiInstance
from gateway_runtime.schema.policy import Phase
from gateway_runtime.schema.trace import Attempt, Kind, Outcome, Step, Trace
from gateway_runtime.schema.trace_token import TraceTokens
from gateway_runtime.telemetry.masking import LONGEST_PATH, Mask, mask_of, text

if TYPE_CHECKING:
    from gateway_runtime.configuration.snapshot import Definition, Snapshot
    from gateway_runtime.http.exchange import Exchange
    from gateway_runtime.routing.compiled import CompiledApi
    from gateway_runtime.telemetry.spans import RequestSpans

# Between two flushes.
KEPT_TRACES = 100
# One request with more of these is cut short.
MOST_STEPS = 100
MOST_ATTEMPTS = 10
# Masks of so many APIs are remembered.
KEPT_MASKS = 100

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.json.Decoder(ApiInstance).decode


class Following:
    """Notes what happens to one traced request. Told by its exchange and, as `Watcher`, by its chain."""

    __slots__ = ("_answered", "_asked", "_mask", "_names", "_saw", "attempts", "began_at", "grant", "kind", "revision",
                 "spans", "started", "steps")  # fmt: skip

    def __init__(self, mask: Mask, revision: int, kind: Kind | None, grant: str, spans: RequestSpans | None) -> None:
        self._mask = mask
        # Headers whose values policies with secrets have written.
        self._names: set[bytes] = set()
        self._saw: list[tuple[bytes, bytes]] | None = None
        self._asked = False
        self._answered = False
        self.started = perf_counter()
        self.began_at = time()
        self.revision = revision
        self.kind = kind
        self.grant = grant
        self.spans = spans
        self.steps: list[Step] = []
        self.attempts: list[Attempt] = []

    def _micros(self) -> int:
        return int((perf_counter() - self.started) * 1_000_000)

    # Told by the chain

    def began(self, context: RequestContext, policy: str, phase: Phase) -> Any:
        """A policy runs now, or is passed over."""
        answer = phase in (Phase.RESPONSE_HEADERS, Phase.RESPONSE_BODY)
        fields = context.response_headers if answer else context.headers
        saw = None
        if fields != self._saw:
            self._saw = fields.copy()
            saw = self._mask.fields(fields, self._names)
        return Step(policy, phase.value, "", "", self._micros(), 0, saw), context

    def judged(self, started: Any, code: str) -> None:
        """It is in shadow mode, and would have refused the request with this code."""
        step = started[0]
        step.outcome, step.code = Outcome.WOULD_REFUSE.value, code

    def ended(self, started: Any, outcome: Outcome, code: str, seconds: float) -> None:
        """And has said this."""
        step, context = started
        if step.policy in self._mask.writers:
            now = context.response_headers if step.phase.startswith("response") else context.headers
            self._names.update(name for name, value in now if (name, value) not in (self._saw or ()))
        step.took_us = int(seconds * 1_000_000)
        if not step.outcome:
            step.outcome, step.code = outcome.value, code
        if len(self.steps) < MOST_STEPS:
            self.steps.append(step)

    # Told by the exchange

    def asking(self, target: str) -> None:
        """A service is asked, or a connection to it is made."""
        if self._asked:
            return
        self._asked = True
        if len(self.attempts) < MOST_ATTEMPTS:
            self.attempts.append(Attempt(target, self._micros()))

    def answered(self, status: int) -> None:
        """The head of its answer is here."""
        self._close(status, "")

    def failed(self, code: str) -> None:
        """It could not be asked, or has not answered."""
        self._close(0, code)

    def _close(self, status: int, code: str) -> None:
        if not self._asked:
            return
        self._asked = False
        attempt = self.attempts[-1]
        attempt.took_us = self._micros() - attempt.at_us
        attempt.status, attempt.code = status, code

    def trace(self, exchange: Exchange, id: str) -> Trace:
        """Return all of it."""
        request, api, route, context = exchange.request, exchange.api, exchange.route, exchange.context
        mask = self._mask
        return Trace(
            id=id,
            kind=self.kind or Kind.SAMPLED,
            request_id=exchange.request_id.decode("ascii", "replace"),
            at=self.began_at,
            revision=self.revision,
            status=exchange.status,
            duration_us=self._micros(),
            api="" if api is None else api.id,
            route="" if route is None else route.id,
            route_name="" if route is None else route.name,
            application="" if context is None else context.application,
            application_name="" if context is None else context.application_name,
            method=request.method.decode("ascii", "replace"),
            host=text(request.authority, LONGEST_PATH),
            path=mask.path(request.path),
            policy=exchange.policy,
            code=exchange.code,
            grant=self.grant,
            client=exchange.client.peer,
            query=mask.query(request.query),
            upstream_path=mask.path(exchange.path),
            steps=self.steps,
            attempts=self.attempts,
        )


class Tracer:
    """Decides which requests are followed, and keeps what was noted until it is taken. `dropped` counts what was not.

    `tokens` reads the tokens that requests bring; without a portal there are none.
    """

    __slots__ = ("_masks", "_number", "_prefix", "_spans", "_traces", "dropped", "spans_dropped", "tokens")

    def __init__(self) -> None:
        self.tokens: TraceTokens | None = None
        self._masks: dict[str, tuple[Definition | None, Mask]] = {}
        self._prefix = os.urandom(8).hex()
        self._number = 0
        self._traces: deque[bytes] = deque(maxlen=KEPT_TRACES)
        self._spans: deque[Any] = deque(maxlen=KEPT_TRACES)
        self.dropped = 0
        self.spans_dropped = 0

    def follow(self, exchange: Exchange, snapshot: Snapshot) -> Following | None:
        """Return what notes a request that is traced, None for any other. Its API has been found."""
        api, token = exchange.api, exchange.request.trace_token
        assert api is not None
        grant = self.tokens.read(token, api.id) if token and self.tokens is not None else None
        tracing = api.tracing
        kind: Kind | None = None
        spans = None
        if grant is not None:
            kind = Kind.REQUESTED
        if tracing is not None:
            if kind is None and tracing.share and random() < tracing.share:  # noqa: S311 - no secret depends on it
                kind = Kind.SAMPLED
            if tracing.spans is not None:
                spans = tracing.spans.begin(exchange)
        if kind is None and spans is None:
            return None
        return Following(
            self._mask(api, snapshot), snapshot.answered_by(api), kind, "" if grant is None else grant.id, spans
        )

    def _mask(self, api: CompiledApi, snapshot: Snapshot) -> Mask:
        known = self._masks.get(api.counted_as)
        definition = snapshot.definition_of(api)
        if known is not None and known[0] is definition:
            return known[1]
        mask = Mask() if definition is None else mask_of(_decode(definition.data))
        if len(self._masks) >= KEPT_MASKS:
            self._masks.clear()
        # Not by the compiled form, which would keep targets and connections of old revisions.
        self._masks[api.counted_as] = (definition, mask)
        return mask

    def finish(self, exchange: Exchange, following: Following) -> None:
        """Keep what was noted of a request that has ended."""
        if following.kind is not None:
            if len(self._traces) == KEPT_TRACES:
                self.dropped += 1
            self._number += 1
            self._traces.append(_encode(following.trace(exchange, f"{self._prefix}{self._number:x}t")))
        if following.spans is not None:
            if len(self._spans) == KEPT_TRACES:
                self.spans_dropped += 1
            self._spans.append(following.spans.finished(exchange, following))

    def take(self) -> list[bytes]:
        """Return the encoded traces since the last call."""
        taken = list(self._traces)
        self._traces.clear()
        return taken

    def take_spans(self) -> list[Any]:
        """Return what is to be exported as spans since the last call."""
        taken = list(self._spans)
        self._spans.clear()
        return taken
