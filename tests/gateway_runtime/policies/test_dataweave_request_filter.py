import json
from typing import Any

import pytest
from hypothesis import given

from gateway_runtime.expressions.given import Given
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.dataweave_request_filter import LONGEST_BODY, SCRIPT
from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request
from tests.gateway_runtime.expressions.trees import values

from .documented import examples

NAME = "dataweave-request-filter"
BODY = {"method": "POST", "headers": {"content-type": "application/json"}}


def case(script: str, needs_body: bool = False) -> PolicyCase:
    return policy_case(NAME, {"script": script, "requiresPayload": needs_body})


def answered(response: str) -> Response:
    refused = case(f"{{success: false, response: {response}}}").send(request(path="/?q=a%0d%0ab&l=" + "l" * 70_000))
    assert refused is not None
    return refused


def test_the_documented_example() -> None:
    policy = policy_case(NAME)
    assert policy.send(request(headers={"x-api-key": "1"})) is None
    refused = policy.send(request())
    assert refused is not None
    assert (refused.status, refused.code, refused.policy) == (401, "request_filter_blocked", NAME)
    assert (refused.body, refused.headers) == (b"Missing API key", ((b"content-type", b"text/plain; charset=utf-8"),))


@pytest.mark.parametrize(("script", "before", "after"), examples(NAME))
def test_an_example_of_the_page_gives_what_it_says(script: str, before: Any, after: Any) -> None:
    assert compile_for(SCRIPT, script).evaluate(request(), Given(payload=before)) == after
    refused = case(script, True).send(request(**BODY, body=json.dumps(before).encode()))
    assert refused is not None
    assert refused.status == after.get("response", {}).get("statusCode", 400)


@pytest.mark.parametrize(
    ("response", "status", "body", "headers"),
    [
        ("null", 400, None, ()),
        ("{}", 400, None, ()),
        ("{statusCode: 403}", 403, None, ()),
        ("{statusCode: 429.0, headers: {'Retry-After': 5}}", 429, None, ((b"retry-after", b"5"),)),
        ("{body: {error: 'é'}}", 400, '{"error":"é"}'.encode(), ((b"content-type", b"application/json"),)),
        ("{body: [1]}", 400, b"[1]", ((b"content-type", b"application/json"),)),
        ("{body: '<p>', headers: {'Content-Type': 'text/html'}}", 400, b"<p>", ((b"content-type", b"text/html"),)),
        ("{statusCode: 302, headers: {location: '/login'}}", 302, b"", ((b"location", b"/login"),)),
        ("{statusCode: 204, body: 'x'}", 204, b"", ()),
        ("{headers: {'content-length': 9, host: 'x', 'set-cookie': ['a=1', 'b=2']}}", 400, None,
         ((b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"))),
        ("{body: fromBase64('AP8=')}", 400, b"\x00\xff", ((b"content-type", b"application/octet-stream"),)),
        ("{body: ''}", 400, b"", ((b"content-type", b"text/plain; charset=utf-8"),)),
    ],
)  # fmt: skip
def test_the_answer_is_what_the_script_says(response: str, status: int, body: bytes | None, headers: Any) -> None:
    found = answered(response)
    assert (found.status, found.code) == (status, "request_filter_blocked")
    assert (found.body, found.headers) == (body, headers)


@pytest.mark.parametrize(
    "response",
    [
        "'no'", "[]", "{status: 401}", "{statusCode: 100}", "{statusCode: 600}", "{statusCode: '401'}",
        "{statusCode: 401.5}", "{statusCode: true}", "{headers: []}", "{headers: {'a b': 1}}",
        "{headers: {a: 'x\\r\\ny'}}", "{headers: {a: attributes.queryParams.q}}", "{body: attributes.queryParams.l}",
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_a_failure(response: str) -> None:
    found = answered(response)
    assert (found.status, found.code, found.body) == (400, "request_filter_failed", None)


@pytest.mark.parametrize(
    "script",
    [
        "{}", "{success: 'true'}", "{success: 1}", "{success: null}", "{success: attributes.queryParams.none}",
        "{success: lower(attributes.queryParams.none) < 1}", "if (attributes.queryParams.none?) {} else null",
    ],
)  # fmt: skip
def test_what_says_neither_yes_nor_no_lets_nobody_in(script: str) -> None:
    refused = case(script).send(request())
    assert refused is not None
    assert (refused.status, refused.code) == (400, "request_filter_failed")


def test_the_body_is_read_where_it_is_asked_for() -> None:
    policy = case("{success: payload.ok == true}", True)
    assert policy.send(request(**BODY, body=b'{"ok": true}')) is None
    blocked = policy.send(request(**BODY, body=b'{"ok": 1}'))
    assert blocked is not None
    assert blocked.code == "request_filter_blocked"
    failed = policy.send(request(**BODY, body=b"{"))
    assert failed is not None
    assert failed.code == "request_filter_failed"
    for missing in (request(), request(**BODY)):
        refused = policy.send(missing)
        assert refused is not None
        assert (refused.status, refused.code) == (400, "request_filter_no_body")
    chunked = request(**BODY)
    chunked.body_length = -1
    refused = policy.send(chunked)
    assert refused is not None
    assert refused.code == "request_filter_no_body"
    unread = request(**BODY, body=b"x")
    assert case("{success: true}").send(unread) is None
    assert unread.body is None


def test_the_same_problem_is_made_once() -> None:
    policy = case("{success: false, response: {statusCode: 403}}")
    assert policy.send(request()) is policy.send(request())


def test_a_long_body_is_not_sent() -> None:
    script = "{success: false, response: {body: attributes.queryParams.l}}"
    for length, code in ((LONGEST_BODY, "request_filter_blocked"), (LONGEST_BODY + 1, "request_filter_failed")):
        refused = case(script).send(request(path="/?l=" + "l" * length))
        assert refused is not None
        assert refused.code == code


@pytest.mark.parametrize(
    ("config", "path", "words"),
    [
        ({"script": "true"}, "script", "Character 1: This setting needs an object"),
        ({"script": "{success: payload.a}"}, "", "turn on “Needs the body” (requiresPayload)"),
        ({"script": "{success: attributes.statusCode == 200}"}, "script", "belongs to the response"),
    ],
)
def test_bad_settings_are_refused(config: dict[str, str], path: str, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        read_config(definition(NAME), config)
    assert caught.value.path == path
    assert words in caught.value.message


@given(values)
def test_whatever_a_script_gives_is_an_answer_or_a_failure(value: Any) -> None:
    try:
        body = json.dumps({"v": value}, default=str).encode()
    except (TypeError, ValueError):
        return
    refused = case("{success: false, response: payload.v}", True).send(request(**BODY, body=body))
    assert refused is not None
    assert 200 <= refused.status <= 599
