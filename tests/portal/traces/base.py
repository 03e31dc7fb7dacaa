"""Traces as a gateway sends them, and a stream that holds them."""

from typing import Any

import msgspec
from django.utils import timezone

from gateway_runtime.schema import keys, trace
from portal.apis.models import ApiInstance
from portal.gateways.models import Gateway
from portal.traces.models import Trace
from portal.traces.services import traces_ingest
from tests.portal.streams import FakeStreams

STEPS = [
    trace.Step(
        "jwt-validation", "request_headers", "continued", "", 20, 15, [("accept", "*/*"), ("authorization", "••••••")]
    ),
    trace.Step("header-injection", "request_headers", "not_bound", "", 36, 0),
    trace.Step("rate-limiting", "request_headers", "would_refuse", "rate_limit_exceeded", 40, 6),
    trace.Step("header-injection", "response_headers", "continued", "", 900, 3, [("content-type", "text/plain")]),
]  # fmt: skip


class FakeStream(FakeStreams):
    """What gateways tell."""

    def add_batch(self, gateway: Gateway, *traces: Any, dropped: int = 0, claims: str = "") -> None:
        """Append a batch to the stream of a gateway; one that `claims` to be of another says so."""
        batch = trace.TraceBatch(
            gateway=claims or str(gateway.pk),
            replica="replica-1",
            started_at=1.0,
            dropped=dropped,
            traces=[msgspec.Raw(each if isinstance(each, bytes) else msgspec.msgpack.encode(each)) for each in traces],
        )
        self.add(keys.traces(str(gateway.pk)), {trace.TRACES_FIELD.encode(): msgspec.msgpack.encode(batch)})


def told(instance: ApiInstance | None = None, **fields: Any) -> trace.Trace:
    """Return a trace of a request that passed its policies."""
    values: dict[str, Any] = {
        "id": "t1", "kind": trace.Kind.REQUESTED, "request_id": "req-1", "at": timezone.now().timestamp(),
        "revision": 3, "status": 200, "duration_us": 1000, "route_name": "items", "method": "GET",
        "path": "/orders/items", "host": "shop.example", "client": "203.0.113.9", "query": [("token", "••••••")],
        "upstream_path": "/items", "steps": STEPS, "attempts": [trace.Attempt("10.0.0.1:80", 50, 800, 200)],
    }  # fmt: skip
    if instance is not None:
        values["api"] = str(instance.pk)
    return trace.Trace(**{**values, **fields})


def refused(instance: ApiInstance | None = None, **fields: Any) -> trace.Trace:
    """Return what is told of a refused request that was not traced."""
    values: dict[str, Any] = {
        "id": "r1", "kind": trace.Kind.REFUSAL, "request_id": "req-2", "status": 401,
        "policy": "http-basic-authentication", "code": "basic_credentials_missing", "steps": [], "attempts": [],
        "query": [], "upstream_path": "",
    }  # fmt: skip
    return told(instance, **{**values, **fields})


def stored(gateway: Gateway, found: trace.Trace) -> Trace:
    """Take a trace over and return its row."""
    stream = FakeStream()
    stream.add_batch(gateway, found)
    traces_ingest(client=stream)  # type: ignore[arg-type]
    return Trace.objects.get(pk=found.id)
