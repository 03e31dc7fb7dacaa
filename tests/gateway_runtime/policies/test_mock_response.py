"""Mock response: which answer of the specification a request gets."""

import json
from typing import Any

import pytest

from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request
from tests.gateway_runtime.specification.documents import document

JSON = "application/json"
ORDER = {"type": "object", "properties": {"id": {"type": "integer"}, "paid": {"type": "boolean"}}}


def answer(content: Any = None, **more: Any) -> dict[str, Any]:
    return {"description": "An answer", **({"content": content} if content is not None else {}), **more}


PATHS = {
    "/orders": {
        "get": {
            "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
            "responses": {
                "400": answer({JSON: {"example": {"code": "bad"}}}),
                "201": answer({JSON: {"example": {"id": 201}}}),
                "200": answer(
                    {
                        JSON: {
                            "schema": ORDER,
                            "examples": {
                                "one": {"value": {"id": 1}},
                                "two": {"$ref": "#/components/examples/two"},
                                "far": {"externalValue": "https://example.com/"},
                            },
                        },
                        "text/csv": {"example": "id\n1\n"},
                        "application/xml": {"schema": ORDER},
                    },
                    headers={
                        "X-Total": {"schema": {"type": "integer", "minimum": 3}},
                        "Content-Length": {"example": 9},
                    },
                ),
                "5XX": answer({JSON: {"schema": {"type": "object", "required": ["why"]}}}),
            },
        },
        "post": {
            "requestBody": {"required": True, "content": {JSON: {"schema": ORDER}}},
            "responses": {"201": answer(), "default": answer({"*/*": {"example": {"any": True}}})},
        },
        "delete": {"responses": {"204": answer({JSON: {"example": 1}})}},
        "put": {"responses": {"404": answer(), "x-note": 1}},
        "patch": {"responses": {}},
    },
    "/broken": {
        "get": {"responses": {"200": answer({JSON: {"schema": {"$ref": "#/nowhere"}}})}},
        "post": {"responses": {"200": {"$ref": "#/nowhere"}}},
    },
}
TWO = {"examples": {"two": {"value": {"id": 2}}}}
SPEC = document(PATHS, components=TWO)
INLINE = {"source": "inline", "spec": SPEC}


def mocked(method: str, path: str, headers: Any = None, body: bytes = b"", **settings: Any) -> Response:
    found = policy_case("mock-response", {**INLINE, **settings}).send(request(method, path, headers, body=body))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("method", "headers", "status", "body"),
    [
        ("GET", {}, 200, b'{"id":1}'),
        ("HEAD", {}, 200, b'{"id":1}'),
        ("GET", {"prefer": "code=201"}, 201, b'{"id":201}'),
        ("GET", {"prefer": 'Code = "201" , foo'}, 201, b'{"id":201}'),
        ("GET", {"prefer": "respond-async; wait=10, code=400"}, 400, b'{"code":"bad"}'),
        ("GET", [("prefer", "code=400"), ("prefer", "code=201")], 400, b'{"code":"bad"}'),
        ("GET", {"ms2-status-code": "400"}, 400, b'{"code":"bad"}'),
        ("GET", {"ms2-status-code": "400", "prefer": "code=201"}, 201, b'{"id":201}'),
        ("GET", {"prefer": "code=503"}, 503, b'{"why":"string"}'),
        ("GET", {"prefer": "example=two"}, 200, b'{"id":2}'),
        ("GET", {"prefer": "dynamic=true"}, 200, b'{"id":0,"paid":true}'),
        ("GET", {"prefer": "dynamic=false"}, 200, b'{"id":1}'),
        ("GET", {"accept": "text/*"}, 200, b"id\n1\n"),
        ("GET", {"accept": "text/csv;q=0.5, application/json;q=0.1"}, 200, b"id\n1\n"),
        ("GET", {"accept": "application/xml"}, 200, b""),
        ("GET", {"accept": "*/*"}, 200, b'{"id":1}'),
        ("DELETE", {}, 204, b""),
        ("PUT", {}, 404, b""),
    ],
)
def test_the_request_chooses_its_answer(method: str, headers: Any, status: int, body: bytes) -> None:
    found = mocked(method, "/orders", headers)
    assert (found.status, found.body, found.code, found.policy) == (status, body, "", "")


def test_default_stands_for_every_other_status() -> None:
    found = mocked("POST", "/orders", {"prefer": "code=418"}, b"{}")
    assert (found.status, found.body) == (418, b'{"any":true}')
    assert found.headers == ((b"content-type", b"application/json"),)


def test_described_headers_are_sent_but_not_those_of_the_message() -> None:
    assert mocked("GET", "/orders").headers == ((b"content-type", b"application/json"), (b"x-total", b"3"))


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "code"),
    [
        ("GET", "/other", {}, b"", 404, "mock_path_unknown"),
        ("TRACE", "/orders", {}, b"", 405, "mock_method_unknown"),
        ("GET", "/orders", {"prefer": "code=404"}, b"", 404, "mock_status_unknown"),
        ("GET", "/orders", {"prefer": "code=²00"}, b"", 404, "mock_status_unknown"),
        ("GET", "/orders", {"ms2-status-code": "100"}, b"", 404, "mock_status_unknown"),
        ("GET", "/orders", {"ms2-status-code": "20000"}, b"", 404, "mock_status_unknown"),
        ("GET", "/orders", {"prefer": "example=three"}, b"", 404, "mock_example_unknown"),
        ("GET", "/orders", {"prefer": "example=far"}, b"", 404, "mock_example_unknown"),
        ("DELETE", "/orders", {"prefer": "example=one"}, b"", 404, "mock_example_unknown"),
        ("GET", "/orders", {"accept": "image/png"}, b"", 406, "mock_not_acceptable"),
        ("GET", "/orders", {"accept": "application/json;q=0"}, b"", 406, "mock_not_acceptable"),
        ("PATCH", "/orders", {}, b"", 500, "mock_not_possible"),
        ("GET", "/broken", {}, b"", 500, "mock_not_possible"),
        ("POST", "/broken", {}, b"", 500, "mock_not_possible"),
        ("GET", "/orders?limit=x", {}, b"", 400, "mock_request_invalid"),
        ("POST", "/orders", {}, b"", 400, "mock_request_invalid"),
        ("POST", "/orders", {}, b'{"id":"x"}', 400, "mock_request_invalid"),
        ("POST", "/orders", {"content-type": "text/plain"}, b"x", 400, "mock_request_invalid"),
        ("POST", "/orders", {"content-encoding": "gzip"}, b"x", 400, "mock_request_invalid"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(
    method: str, path: str, headers: Any, body: bytes, status: int, code: str
) -> None:
    found = mocked(method, path, headers, body)
    assert (found.status, found.code, found.body) == (status, code, None)


def test_an_unknown_method_is_told_the_known_ones() -> None:
    allow = dict(mocked("OPTIONS", "/broken").headers)[b"allow"]
    assert set(allow.split(b", ")) == {b"GET", b"HEAD", b"POST"}


def test_the_place_of_a_fault_is_told_without_its_value() -> None:
    assert (
        mocked("POST", "/orders", {}, b'{"id":"sesame"}').detail == "The body does not fit its schema at “/id” (type)."
    )


def test_without_validation_every_request_is_answered() -> None:
    assert mocked("GET", "/orders?limit=x", validateRequests=False).status == 200
    assert mocked("POST", "/orders", {}, b"no JSON", validateRequests=False).status == 201


def test_an_answer_is_made_once() -> None:
    case = policy_case("mock-response", INLINE)
    assert case.send(request("GET", "/orders")) is case.send(request("GET", "/orders"))


def test_the_base_path_is_taken_off() -> None:
    assert mocked("GET", "/v1/orders", apiBasePath="/v1").status == 200
    assert mocked("GET", "/orders", apiBasePath="/v1").code == "mock_path_unknown"


def test_the_context_is_the_specification_of_the_api() -> None:
    case = PolicyCase(definition("mock-response"), {"source": "context"}, specification=SPEC)
    assert case.send(request("GET", "/orders")).status == 200  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ({JSON: {"example": '{"a": 1}'}}, b'{"a": 1}'),
        ({JSON: {"example": "{not"}}, b'"{not"'),
        ({JSON: {"schema": {"type": "string"}}}, b'"string"'),
        ({JSON: {}}, b"null"),
        ({"text/*": {"schema": {"type": "string", "example": "hello"}}}, b"hello"),
        ({"text/plain": {"schema": {"type": "integer", "default": 5}}}, b"5"),
        ({"application/x-www-form-urlencoded": {"example": {"a": [1, 2], "b": "ü"}}}, b"a=1&a=2&b=%C3%BC"),
        ({"application/problem+json": {"example": {"a": 1}}}, b'{"a":1}'),
    ],
)
def test_a_body_is_written_as_its_media_type_has_it(content: Any, body: bytes) -> None:
    spec = document({"/": {"get": {"responses": {"200": answer(content)}}}})
    assert mocked("GET", "/", spec=spec).body == body


def test_headers_that_could_break_a_head_are_left_out() -> None:
    headers = {"x-a": {"example": "1\r\nset-cookie: x"}, "x b": {"example": "1"}, "x-c": {"example": ""}}
    spec = document({"/": {"get": {"responses": {"200": answer(headers=headers)}}}})
    assert mocked("GET", "/", spec=spec).headers == ()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "inline"}, "has to be in “spec”"),
        ({"source": "inline", "spec": "swagger: '2.0'"}, "Swagger 2.0"),
        ({**INLINE, "apiBasePath": "orders"}, "apiBasePath|matching"),
        ({**INLINE, "latency": 1}, "latency"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigFault, match=message):
        read_config(definition("mock-response"), settings)


def test_its_example_answers() -> None:
    found = policy_case("mock-response").send(request("GET", "/orders/1", {"prefer": "example=large"}))
    assert found is not None
    assert json.loads(found.body or b"") == {"id": 2, "lines": [{"sku": "A-1"}, {"sku": "A-2"}]}
