"""Spans of a sampled request, with the names of OpenTelemetry for HTTP: one of the server, one of each attempt.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from random import random
from typing import TYPE_CHECKING, Any

from gateway_runtime.http.upstream_head import policy_headers
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.tracing import Label, Sampling
from gateway_runtime.telemetry.masking import text
from gateway_runtime.telemetry.span_data import CLIENT, SERVER, SpanData

if TYPE_CHECKING:
    from gateway_runtime.http.exchange import Exchange
    from gateway_runtime.routing.compiled import CompiledApi, CompiledRoute
    from gateway_runtime.telemetry.tracing import Following

CLIENT_TRACE_ID = b"x-client-trace-id"
LONGEST_ATTRIBUTE = 256
# A caller's state goes on as it came, which is at most so long (https://www.w3.org/TR/trace-context/).
LONGEST_STATE = 512
_METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"})
_SAMPLED = 1


class ApiSpans:
    """Which requests of one API get spans, and what these say besides. `name` gives the name of the server's."""

    __slots__ = ("_client", "_condition", "_labels", "_name", "_overall", "_random")

    def __init__(
        self,
        sampling: Sampling,
        labels: tuple[Label, ...] = (),
        name: Callable[[RequestContext], Any] | None = None,
        condition: Callable[[RequestContext], bool] | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._client, self._random = sampling.client / 100, sampling.random / 100
        self._overall = sampling.overall / 100
        self._name = name
        self._condition = condition
        # (name, header or None, value): what the environment says is known beforehand.
        self._labels = tuple(
            (label.name, label.key_name.lower().encode() if label.type == "requestHeader" else None,
             environment.get(label.key_name, label.default_value) if label.type == "environment"
             else label.default_value or label.key_name * (label.type == "literal"))
            for label in labels
        )  # fmt: skip

    def begin(self, exchange: Exchange) -> RequestSpans | None:
        """Return the spans of a request that is sampled."""
        parent = state = b""
        asked = False
        for name, value in exchange.request.headers():
            if name == b"traceparent":
                parent = value
            elif name == b"tracestate":
                state = state + b"," + value if state else value
            elif name == CLIENT_TRACE_ID:
                asked = True
        if asked:
            share = self._client
        elif parent:
            # Whoever began the trace has decided for all of it.
            share = float(int(parent[53:55], 16) & _SAMPLED)
        else:
            share = self._random
        # One draw for both shares: a part of a part.
        if random() >= share * self._overall:  # noqa: S311 - no secret depends on it
            return None
        context = _context(exchange) if self._condition is not None or self._name is not None else None
        if self._condition is not None and not self._condition(context):  # type: ignore[arg-type]
            return None
        spans = RequestSpans(parent, state)
        if self._name is not None:
            said = self._name(context)  # type: ignore[arg-type]
            spans.name = said if isinstance(said, str) else ""
        spans.labels = self._said(exchange)
        return spans

    def _said(self, exchange: Exchange) -> list[tuple[str, str | int]]:
        headers = dict(exchange.request.headers()) if any(header for _, header, _ in self._labels) else {}
        return [
            (name, text(headers[header], LONGEST_ATTRIBUTE) if header is not None and header in headers else value)
            for name, header, value in self._labels
        ]


class RequestSpans:
    """The spans of one request as they are made. `name` is empty for the usual one."""

    __slots__ = ("_attempts", "_parent", "_span", "_state", "labels", "name", "trace_id")

    def __init__(self, parent: bytes, state: bytes) -> None:
        # Version, trace, span and flags, each part of a fixed length.
        self.trace_id = bytes.fromhex(parent[3:35].decode()) if parent else os.urandom(16)
        self._parent = bytes.fromhex(parent[36:52].decode()) if parent else b""
        self._state = text(state, LONGEST_STATE)
        self._span = os.urandom(8)
        self._attempts: list[bytes] = []
        self.name = ""
        self.labels: list[tuple[str, str | int]] = []

    def ask(self) -> bytes:
        """Return the `traceparent` for the next attempt."""
        span = os.urandom(8)
        self._attempts.append(span)
        return b"00-%s-%s-01" % (self.trace_id.hex().encode(), span.hex().encode())

    def finished(self, exchange: Exchange, following: Following) -> list[SpanData]:
        """Return all spans, the server's first."""
        began = int(following.began_at * 1e9)
        trace = following.trace(exchange, "")
        request, api = exchange.request, exchange.api
        method = trace.method if request.method in _METHODS else "_OTHER"
        template = route_template(api, exchange.route) if api is not None else ""
        attributes: list[tuple[str, str | int]] = [
            ("http.request.method", method),
            ("url.scheme", "https" if exchange.client.transport.get_extra_info("ssl_object") else "http"),
            ("url.path", trace.path),
            ("http.response.status_code", trace.status),
            ("server.address", trace.host),
            ("server.port", exchange.client.port),
            ("client.address", trace.client),
            ("network.protocol.version", "1.0" if request.http10 else exchange.version),
            ("portico.request.id", trace.request_id),
            ("portico.revision", trace.revision),
        ]
        if method == "_OTHER":
            attributes.append(("http.request.method_original", trace.method))
        if template:
            attributes.append(("http.route", template))
        if trace.query:
            attributes.append(("url.query", "&".join(f"{name}={value}" for name, value in trace.query)))
        agent = next((value for name, value in request.headers() if name == b"user-agent"), b"")
        if agent:
            attributes.append(("user_agent.original", text(agent, LONGEST_ATTRIBUTE)))
        for name, said in (("portico.api.id", trace.api), ("portico.api.name", api.name if api is not None else ""),
                           ("portico.application.name", trace.application_name), ("portico.policy", trace.policy),
                           ("portico.code", trace.code)):  # fmt: skip
            if said:
                attributes.append((name, said))
        error = (trace.code or str(trace.status)) if trace.status >= 500 or not trace.status else ""
        if error:
            attributes.append(("error.type", error))
        spans = [
            SpanData(
                self.trace_id, self._span, self._parent, self._state, SERVER,
                self.name or f"{method} {template}".strip(), began, began + trace.duration_us * 1000,
                attributes + self.labels, error,
            )
        ]  # fmt: skip
        # An attempt for which no connection could be had never carried a span to anybody.
        ids = [*self._attempts, *(os.urandom(8) for _ in range(len(trace.attempts) - len(self._attempts)))]
        for number, (attempt, span) in enumerate(zip(trace.attempts, ids, strict=False)):
            spans.append(self._client_span(began, method, number, attempt, span, trace.upstream_path))
        return spans

    def _client_span(self, began: int, method: str, number: int, attempt: Any, span: bytes, path: str) -> SpanData:
        host, _, port = attempt.target.rpartition(":")
        start = began + attempt.at_us * 1000
        attributes: list[tuple[str, str | int]] = [
            ("http.request.method", method),
            ("server.address", host),
            ("server.port", int(port)),
            ("url.path", path),
        ]
        if attempt.status:
            attributes.append(("http.response.status_code", attempt.status))
        if number:
            attributes.append(("http.request.resend_count", number))
        # To whoever asks, a 4xx is an error, too.
        error = attempt.code or (str(attempt.status) if attempt.status >= 400 else "")
        if error:
            attributes.append(("error.type", error))
        end = start + attempt.took_us * 1000
        return SpanData(self.trace_id, span, self._span, self._state, CLIENT, method, start, end, attributes, error)


def route_template(api: CompiledApi, route: CompiledRoute | None) -> str:
    """Return the path of a route as it is configured: as few different ones as there are routes."""
    base = api.base_path.decode("utf-8", "replace")
    pattern = route.rules[0].path_pattern.decode("utf-8", "replace") if route is not None and route.rules else ".*"
    return f"{base}/*" if pattern == ".*" else f"{base}{pattern}"


def _context(exchange: Exchange) -> RequestContext:
    request, api = exchange.request, exchange.api
    assert api is not None
    context = RequestContext(
        request.method, request.path, request.query or b"", policy_headers(request), exchange.client.peer,
        exchange.request_id,
    )  # fmt: skip
    context.host = request.host
    context.api_path = request.path[api.base_length :] or b"/"
    return context
