"""Requests that are answered by the gateway itself."""

import pytest

from gateway_runtime.schema.document import Route, Rule
from tests.gateway_runtime.fakes import FakeGateway, denying, get


def test_a_refusal_names_policy_code_and_request() -> None:
    gateway = denying()
    client = gateway.client()
    client.send(get("/api/x", "X-Request-Id: r-1"))
    status, problem, headers = client.take_problem()
    assert status == 401
    assert problem == {
        "type": "about:blank", "title": "No", "status": 401, "detail": "No.", "code": "denied", "policy": "door",
        "request_id": "r-1",
    }  # fmt: skip
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"www-authenticate"] == b"X"
    assert headers[b"x-request-id"] == b"r-1"
    assert not client.hung_up
    row = gateway.recorded.rows[0]
    assert (row["api"], row["route"], row["status"], row["policy"], row["code"]) == ("a1", "r1", 401, "door", "denied")
    assert row["upstream_us"] == -1


def test_the_small_body_of_a_refused_request_is_thrown_away_and_the_connection_kept() -> None:
    gateway = denying()
    client = gateway.client()
    client.send(get("/api/x", "Content-Length: 30", method="POST") + b"GET /")
    assert client.take_problem()[0] == 401
    assert gateway.recorded.rows == []
    client.send(b"api/y HTTP/1.1\r\nHost: a\r\n\r\n"[:25] + get("/api/next"))
    assert client.take_problem()[0] == 401
    assert len(gateway.recorded.rows) == 2
    assert not client.hung_up


@pytest.mark.parametrize("framing", ["Content-Length: 10000000", "Transfer-Encoding: chunked"])
def test_the_large_body_of_a_refused_request_ends_the_connection(framing: str) -> None:
    gateway = denying()
    client = gateway.client()
    client.send(get("/api/x", framing, method="POST"))
    assert client.take_problem()[2][b"connection"] == b"close"
    assert client.transport.eof
    assert not client.transport.closed
    client.send(b"x" * 40_000)
    assert not client.transport.closed
    client.send(b"x" * 40_000)
    assert client.transport.aborted


@pytest.mark.parametrize(
    ("path", "code"), [("/", "no_api_here"), ("/apix", "no_api_here"), ("/api../x", "no_api_here")]
)
def test_a_path_of_no_api(path: str, code: str) -> None:
    client = FakeGateway().client()
    client.send(get(path))
    status, problem, _ = client.take_problem()
    assert (status, problem["code"]) == (404, code)


def test_a_port_without_apis_and_a_gateway_without_configuration() -> None:
    gateway = FakeGateway()
    client = gateway.client(port=9)
    client.send(get())
    assert client.take_problem()[1]["code"] == "no_api_here"
    gateway.state.snapshot = None
    client.send(get())
    assert client.take_problem()[:2][0] == 503


def test_no_route_and_quarantine() -> None:
    gateway = FakeGateway(routes=[Route(id="r", name="r", service="orders-v1", rules=[Rule(methods="GET")])])
    client = gateway.client()
    client.send(get(method="DELETE"))
    assert client.take_problem()[1]["code"] == "no_route"
    gateway = FakeGateway(quarantine="A policy of this API is broken.")
    client = gateway.client()
    client.send(get())
    status, problem, _ = client.take_problem()
    assert (status, problem["code"], problem["detail"]) == (503, "api_quarantined", "A policy of this API is broken.")


def test_captured_groups_cannot_make_a_path_that_would_have_been_refused() -> None:
    rule = Rule(path="(/.*/)x(.*)")
    gateway = FakeGateway(routes=[Route(id="r", name="r", service="orders-v1", rules=[rule])])
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/a/x../b"))
    assert client.take_problem()[1]["code"] == "path_not_canonical"
    assert upstream.take() == b""


def test_head_gets_the_headers_of_a_refusal_without_its_body() -> None:
    client = denying().client()
    client.send(get(method="HEAD"))
    answer = client.take()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert answer.endswith(b"\r\n\r\n")
