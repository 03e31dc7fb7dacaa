"""One line for each finished exchange, from bytes in to bytes out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.access_log import FIELDS, AccessLog
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.telemetry.access_log import LONGEST_LINE, AccessLogger, check_access_log
from tests.gateway_runtime.fakes import OK, FakeGateway, denying, get


class Logged:
    """A gateway whose API, or whose requests without one, are logged."""

    def __init__(self, gateway: FakeGateway | None = None, **settings: Any) -> None:
        self.gateway = gateway or FakeGateway()
        self.raw: list[bytes] = []
        logger = AccessLogger(AccessLog(**settings), self.raw.append, "a1", "Orders")
        assert self.gateway.state.snapshot is not None
        self.gateway.state.snapshot.apis["a1"].access_log = logger
        self.gateway.state.access_log = AccessLogger(AccessLog(**settings), self.raw.append)

    def ask(self, data: bytes, answer: bytes = OK) -> dict[str, Any]:
        upstream = self.gateway.upstream()
        client = self.gateway.client()
        client.send(data)
        self.gateway.clock.advance(0.25)
        if upstream.take():
            upstream.answer(answer)
        return json.loads(self.raw[-1])


def test_a_line_tells_who_asked_what_and_how_it_went() -> None:
    line = Logged().ask(get("/api/x?token=sesame", "User-Agent: curl/8", "X-Request-Id: r-1"))
    del line["@timestamp"]
    assert line == {
        "ecs.version": "8.11.0",
        "event.kind": "event",
        "event.category": ["web"],
        "event.duration": 250_000_000,
        "event.outcome": "success",
        "http.request.method": "GET",
        "http.version": "1.1",
        "http.request.id": "r-1",
        "http.request.bytes": len(get("/api/x?token=sesame", "User-Agent: curl/8", "X-Request-Id: r-1")),
        "http.response.status_code": 200,
        "http.response.bytes": line["http.response.bytes"],
        "url.domain": "shop.example",
        "url.path": "/api/x",
        "source.ip": "203.0.113.9",
        "user_agent.original": "curl/8",
        "portico.api.id": "a1",
        "portico.api.name": "Orders",
        "portico.route.id": "r1",
        "portico.route.name": "all",
        "portico.upstream.duration_ms": 250.0,
        "portico.upstream.target": "orders.internal:9000",
    }
    assert line["http.response.bytes"] > len(OK)


def test_no_line_holds_a_query_or_a_credential() -> None:
    logged = Logged()
    logged.ask(get("/api/x?key=sesame", "Authorization: Basic sesame", "Cookie: a=sesame", "client_secret: sesame"))
    assert b"sesame" not in logged.raw[-1]


def test_a_query_is_written_where_it_is_wanted() -> None:
    assert Logged(query=True).ask(get("/api/x?a=1&b"))["url.query"] == "a=1&b"


def test_a_refusal_names_its_policy_and_code() -> None:
    line = Logged(denying()).ask(get())
    assert (line["http.response.status_code"], line["event.outcome"]) == (401, "failure")
    assert (line["portico.policy"], line["portico.code"]) == ("door", "denied")
    assert not {"portico.upstream.target", "portico.upstream.duration_ms"} & {*line}


def test_the_application_is_named() -> None:
    def identify(context: RequestContext) -> None:
        context.application, context.application_name = "app-1", "Shop"

    line = Logged(FakeGateway(Binding("door", Handlers(request_headers=identify)))).ask(get())
    assert (line["portico.application.id"], line["portico.application.name"]) == ("app-1", "Shop")


def test_a_body_is_counted() -> None:
    body = Logged().ask(get("/api/x", "Content-Length: 3", method="POST") + b"abc")
    assert body["http.request.body.bytes"] == 3


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [(get("/elsewhere"), 404, "no_api_here"), (b"nonsense\r\n\r\n", 400, None)],
    ids=["no API", "no request"],
)
def test_what_no_api_takes_is_logged_by_the_gateway(data: bytes, status: int, code: str | None) -> None:
    line = Logged().ask(data)
    assert line["http.response.status_code"] == status
    assert line["portico.code"] == (code or line["portico.code"])
    assert "portico.api.id" not in line


def test_a_caller_who_has_gone_is_logged() -> None:
    logged = Logged()
    logged.gateway.upstream()
    client = logged.gateway.client()
    client.send(get())
    client.go()
    line = json.loads(logged.raw[-1])
    assert (line["http.response.status_code"], line["portico.code"]) == (499, "client_gone")


def test_hidden_fields_are_left_out() -> None:
    assert not {"source.ip", "url.path"} & {*Logged(hide=["source.ip", "url.path"]).ask(get())}


def test_only_a_part_is_logged_with_sampling() -> None:
    logged = Logged(sampling=0.5)
    for _ in range(400):
        logged.gateway.client().send(get("/elsewhere"))
    assert 100 < len(logged.raw) < 300


def test_nothing_is_written_by_default() -> None:
    gateway = FakeGateway()
    assert gateway.state.snapshot is not None
    assert gateway.state.snapshot.apis["a1"].access_log is None
    assert gateway.state.access_log is None


@given(st.binary(max_size=4_000).filter(lambda value: not set(value) & {*b"\r\n\0"}))
def test_no_value_of_a_caller_breaks_a_line(value: bytes) -> None:
    logged = Logged(query=True)
    client = logged.gateway.client()
    logged.gateway.upstream()
    client.send(b"GET /api/x?" + value[:9] + b" HTTP/1.1\r\nHost: a\r\nUser-Agent: " + value + b"\r\n\r\n")
    client.go()
    for line in logged.raw:
        assert len(line) <= LONGEST_LINE
        # What any reader could take for the end of a line.
        assert len(line.decode().splitlines()) == 1
        assert {*json.loads(line)} <= {*FIELDS}


def test_a_field_that_does_not_exist_cannot_be_hidden() -> None:
    with pytest.raises(ConfigFault) as caught:
        check_access_log(AccessLog(hide=["source.ip", "nothing"]), "apis[0].access_log")
    assert caught.value.path == "apis[0].access_log.hide[1]"
