"""Schema validation: what is refused, with which code, and where the specification comes from."""

import json
from typing import Any

import pytest

from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, SentRequest, policy_case, request
from tests.gateway_runtime.specification.documents import document

ORDER = {
    "type": "object",
    "required": ["sku"],
    "properties": {"sku": {"type": "string", "pattern": "^A-[0-9]+$"}},
    "additionalProperties": False,
}
SPEC = document(
    {
        "/orders": {
            "get": {
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                    {"name": "x-shop", "in": "header", "required": True, "schema": {"type": "string"}},
                ],
                "responses": {"200": {"description": "ok"}},
            },
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": ORDER}, "text/*": {}},
                },
                "responses": {"201": {"description": "ok"}},
            },
            "put": {"responses": {"200": {"description": "ok"}}},
        },
        "/orders/{id}": {
            "get": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "ok"}},
            }
        },
    }
)
INLINE = {"source": "inline", "spec": SPEC}
JSON = {"content-type": "application/json"}
SHOP = {"x-shop": "a"}


def sent(method: str, path: str, headers: Any = None, body: str = "") -> SentRequest:
    return request(method, path, headers, body=body.encode())


def refusal(context: SentRequest, **settings: Any) -> Response | None:
    return policy_case("spec-validation", {**INLINE, **settings}).send(context)


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "code"),
    [
        ("GET", "/orders", SHOP, "", None),
        ("HEAD", "/orders", SHOP, "", None),
        ("GET", "/orders?limit=5&other=1", SHOP, "", None),
        ("GET", "/orders/7", {}, "", None),
        ("POST", "/orders", JSON, '{"sku":"A-1"}', None),
        ("POST", "/orders", {}, '{"sku":"A-1"}', None),
        ("POST", "/orders", {"content-type": "APPLICATION/json; charset=utf-8"}, '{"sku":"A-1"}', None),
        ("POST", "/orders", {"content-type": "text/plain"}, "sku", None),
        ("PUT", "/orders", {"content-type": "image/png"}, "anything", None),
        ("GET", "/other", {}, "", "path_not_in_specification"),
        ("GET", "/orders/", {}, "", "path_not_in_specification"),
        ("GET", "/Orders", {}, "", "path_not_in_specification"),
        ("DELETE", "/orders", {}, "", "method_not_in_specification"),
        ("OPTIONS", "/orders", {}, "", "method_not_in_specification"),
        ("get", "/orders", SHOP, "", "method_not_in_specification"),
        ("GET", "/orders", {}, "", "parameter_missing"),
        ("GET", "/orders?limit=x", SHOP, "", "parameter_invalid"),
        ("GET", "/orders/x", {}, "", "parameter_invalid"),
        ("POST", "/orders", {"content-type": "application/xml"}, "<a/>", "content_type_not_in_specification"),
        ("POST", "/orders", [*JSON.items(), *JSON.items()], "{}", "content_type_not_in_specification"),
        ("POST", "/orders", JSON, "", "body_missing"),
        ("POST", "/orders", JSON, "{", "body_malformed"),
        ("POST", "/orders", JSON, '{"sku":"A-1","sku":"A-2"}', "body_malformed"),
        ("POST", "/orders", {**JSON, "content-encoding": "gzip"}, "{}", "body_encoded"),
        ("POST", "/orders", {"content-type": "application/json; charset=utf-7"}, '{"sku":"A-1"}', "body_malformed"),
        ("POST", "/orders", JSON, '{"sku":"x"}', "body_invalid"),
        ("POST", "/orders", JSON, "{}", "body_invalid"),
        ("POST", "/orders", {}, "{}", "body_invalid"),
    ],
)
def test_a_request_is_judged_by_the_specification(
    method: str, path: str, headers: Any, body: str, code: str | None
) -> None:
    refused = refusal(sent(method, path, headers, body))
    assert (refused.code if refused else None) == code
    if refused:
        assert (refused.status, refused.policy) == (400, "spec-validation")


def test_undeclared_query_parameters_are_refused_only_where_that_is_asked_for() -> None:
    path = "/orders?limit=5&other=1"
    assert refusal(sent("GET", path, SHOP)) is None
    refused = refusal(sent("GET", path, SHOP), strictParamsValidation=True)
    assert refused is not None
    assert refused.code == "parameter_not_in_specification"
    assert refused.detail == "The specification does not have the query parameter “other”."


def test_the_place_is_told_and_the_value_never() -> None:
    refused = refusal(sent("POST", "/orders", JSON, '{"sku":"sesame"}'))
    assert refused is not None
    assert refused.detail == "The body does not fit its schema at “/sku” (pattern)."
    assert "sesame" not in repr(refused)
    refused = refusal(sent("GET", "/orders?limit=sesame", SHOP))
    assert refused is not None
    assert "sesame" not in repr(refused)
    refused = refusal(sent("GET", "/orders?%22%3Cscript%3E=1", SHOP), strictParamsValidation=True)
    assert refused is not None
    assert "script" not in repr(refused)


def test_a_body_of_unknown_length_may_be_missing_after_all() -> None:
    for headers in (JSON, {"content-type": "text/plain"}):
        context = sent("POST", "/orders", headers)
        context.body_length = -1
        refused = refusal(context)
        assert refused is not None
        assert refused.code == "body_missing"


def test_a_body_that_nobody_checks_is_not_waited_for() -> None:
    for method, type_ in (("POST", "text/plain"), ("PUT", "application/json")):
        context = sent(method, "/orders", {"content-type": type_}, "x")
        assert refusal(context) is None
        assert context.body is None


@pytest.mark.parametrize(
    ("base", "api_path", "path", "found"),
    [
        ("/", "/orders/1", "/shop/orders/1", True),
        ("/v1", "/v1/orders/1", "/shop/v1/orders/1", True),
        ("/v1/", "/v1/orders/1", "/shop/v1/orders/1", True),
        ("/shop", "/orders/1", "/shop/orders/1", True),
        ("/v1", "/v1x/orders/1", "/shop/v1x/orders/1", False),
        ("/v1", "/orders/1", "/shop/orders/1", False),
        ("/v1", "/v1", "/shop/v1", False),
    ],
)
def test_the_base_path_is_removed_before_comparing(base: str, api_path: str, path: str, found: bool) -> None:
    context = sent("GET", path)
    context.api_path = api_path.encode()
    refused = refusal(context, apiBasePath=base)
    assert (refused is None) is found


def test_without_blocking_everything_passes_and_a_line_says_what_was_wrong() -> None:
    case = policy_case("spec-validation", {**INLINE, "blockOperation": False})
    assert case.send(sent("POST", "/orders", JSON, '{"sku":"sesame"}')) is None
    assert case.send(sent("GET", "/other")) is None
    assert case.send(sent("GET", "/orders", SHOP)) is None
    first, second = (json.loads(line) for line in case.lines)
    assert (first["error.code"], second["error.code"]) == ("body_invalid", "path_not_in_specification")
    assert first["message"] == "The body does not fit its schema at “/sku” (pattern)."
    assert first["portico.policy"] == "spec-validation"
    assert first["http.request.id"] == "request-1"
    assert b"sesame" not in b"".join(case.lines)
    assert all(line.endswith(b"}\n") for line in case.lines)


def test_the_specification_of_the_api_version_counts_without_another_word() -> None:
    case = PolicyCase("spec-validation", {}, specification=SPEC)
    assert case.send(sent("GET", "/orders", SHOP)) is None
    refused = case.send(sent("GET", "/other"))
    assert refused is not None


def test_an_api_without_specification_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="has no specification"):
        PolicyCase("spec-validation", {})


@pytest.mark.parametrize(
    ("config", "needed"),
    [({}, True), ({"source": "context"}, True), (INLINE, False)],
    ids=["default", "context", "inline"],
)
def test_the_definition_tells_whose_specification_is_needed(config: dict[str, Any], needed: bool) -> None:
    policy = definition("spec-validation")
    assert policy.needs_specification is not None
    assert policy.needs_specification(read_config(policy, config)) is needed


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"source": "inline"}, "has to be in “spec”"),
        ({"source": "inline", "spec": "  "}, "has to be in “spec”"),
        ({"source": "inline", "spec": "swagger: '2.0'"}, "Swagger 2.0"),
        ({"source": "inline", "spec": SPEC.replace("^A-[0-9]+$", "([")}, "POST /orders: A schema"),
        ({"source": "inline", "spec": document({"/a": {"$ref": "file:///etc/passwd"}})}, "leads out of"),
        ({"source": "exchange"}, "Invalid enum value"),
        ({**INLINE, "apiBasePath": "v1"}, "regex"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_when_they_are_saved(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        read_config(definition("spec-validation"), config)
    assert said in caught.value.message


def test_the_name_from_files_is_known() -> None:
    assert definition("spec-validation-flex").name == "spec-validation"
