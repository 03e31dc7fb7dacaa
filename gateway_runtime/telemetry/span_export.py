"""Giving spans to whoever takes them, from the process that carries no traffic. Nothing ever waits for it."""

from __future__ import annotations

import asyncio
import socket
from collections import deque

import msgspec

from gateway_runtime import VERSION
from gateway_runtime.fetching.client import FetchError, fetch
from gateway_runtime.fetching.url import Url, parse_url
from gateway_runtime.log import log
from gateway_runtime.schema.tracing import SpanReceiver, Tracing
from gateway_runtime.telemetry import otlp_grpc
from gateway_runtime.telemetry.otlp import export_request
from gateway_runtime.telemetry.sampling import span_receiver
from gateway_runtime.telemetry.span_data import SpanData
from gateway_runtime.upstream.connecting import Surroundings
from gateway_runtime.upstream.resolving import Resolver

EXPORT_SECONDS = 1.0
TAKEN_SECONDS = 10.0
LAST_WORDS_SECONDS = 2.0
KEPT_SPANS = 4_096
SPANS_AT_ONCE = 512
ANSWER_BYTES = 64 * 1024
# Spans that a receiver says it cannot take now are offered again; others it will never take.
_LATER = frozenset({429, 502, 503, 504})


class _Settings(msgspec.Struct):
    """What of a document is about the receiver."""

    tracing: Tracing | None = None


class SpanExport:
    """A bounded queue of spans. `exported` and `dropped` count since the start."""

    def __init__(self, *, gateway: str, replica: str) -> None:
        self._surroundings = Surroundings(Resolver(), allow_private=True)
        self._waiting: deque[SpanData] = deque()
        self._receiver: tuple[SpanReceiver, Url] | None = None
        self._resource = {
            "service.version": VERSION,
            "service.instance.id": replica,
            "host.name": socket.gethostname(),
            "portico.gateway.name": gateway,
        }
        self._away = False
        self.exported = 0
        self.dropped = 0

    def configure(self, document: bytes) -> None:
        """Take the receiver of a revision that is served. Without one that can be asked, spans are given up."""
        receiver = span_receiver(msgspec.json.decode(document, type=_Settings).tracing)
        self._receiver = None
        if receiver is not None:
            try:
                self._receiver = receiver, parse_url(receiver.endpoint)
            except ValueError as error:
                log.warning("span_receiver_refused", reason=str(error))

    def add(self, requests: list[list[SpanData]], *, dropped: int = 0) -> None:
        """Take the spans of requests. The newest go where too many wait: whole traces are worth more than parts."""
        self.dropped += dropped
        for spans in requests:
            if self._receiver is None or len(self._waiting) + len(spans) > KEPT_SPANS:
                self.dropped += len(spans)
            else:
                self._waiting.extend(spans)

    async def run(self) -> None:
        """Export every second until cancelled."""
        while True:
            await asyncio.sleep(EXPORT_SECONDS)
            await self.export()

    async def export(self) -> bool:
        """Offer what waits. Return whether nothing waits any more."""
        while self._waiting and self._receiver is not None:
            receiver, url = self._receiver
            spans = [self._waiting[number] for number in range(min(SPANS_AT_ONCE, len(self._waiting)))]
            resource = {"service.name": receiver.service_name, **self._resource}
            taken, trouble = await self._offer(receiver, url, export_request(spans, resource))
            if trouble and not self._away:
                log.warning("spans_not_taken", endpoint=receiver.endpoint, reason=trouble, waiting=len(self._waiting))
            self._away = bool(trouble)
            if taken is None:
                return False
            for _ in spans:
                self._waiting.popleft()
            if taken:
                self.exported += len(spans)
            else:
                self.dropped += len(spans)
        return not self._waiting

    async def _offer(self, receiver: SpanReceiver, url: Url, body: bytes) -> tuple[bool | None, str]:
        """Return whether it has taken them, None where it may take them later, and what was the matter."""
        headers = (("content-type", "application/x-protobuf"), *receiver.headers.items())
        try:
            if receiver.protocol == "grpc":
                status = await otlp_grpc.call(url, body, receiver.headers.items(), seconds=TAKEN_SECONDS)
                if status == otlp_grpc.OK:
                    return True, ""
                return (None if status in otlp_grpc.LATER else False), f"gRPC status {status}"
            answer = await fetch(
                url,
                self._surroundings,
                seconds=TAKEN_SECONDS,
                limit=ANSWER_BYTES,
                method="POST",
                headers=headers,
                body=body,
            )
        except FetchError as error:
            return None, error.code
        if 200 <= answer.status < 300:
            return True, ""
        return (None if answer.status in _LATER else False), f"status {answer.status}"

    async def close(self) -> None:
        """Offer what waits one last time, if that does not take long."""
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self.export()
        except TimeoutError:
            log.warning("spans_lost_at_the_end", waiting=len(self._waiting))
