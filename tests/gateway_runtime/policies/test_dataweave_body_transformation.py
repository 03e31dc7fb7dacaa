import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.policies.results import Refused
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, SentRequest, policy_case, request
from tests.gateway_runtime.expressions.trees import values

from .documented import examples

NAME = "dataweave-body-transformation"
JSON = {"content-type": "application/json"}
EXAMPLES = examples(NAME)


def case(script: str, flow: str = "onRequest") -> PolicyCase:
    return policy_case(NAME, {"script": script, "requestFlow": flow})


def posted(body: Any, headers: dict[str, str] | None = None) -> SentRequest:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request("POST", "/orders/17", JSON if headers is None else headers, body=data)


def test_the_documented_example() -> None:
    context = posted({"name": "Ada", "surname": "L"}, {**JSON, "custom-client-header": "7"})
    assert policy_case(NAME).send(context) is None
    assert json.loads(context.body or b"") == {"id": "7", "username": "AdaL"}
    assert context.headers == [(b"content-type", b"application/json"), (b"custom-client-header", b"7")]


def test_the_page_shows_what_people_do_most() -> None:
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize(("script", "before", "after"), EXAMPLES)
def test_an_example_of_the_page_gives_what_it_says(script: str, before: Any, after: Any) -> None:
    context = posted(before, {**JSON, "x-tenant": "acme"})
    if "statusCode" not in script:
        assert case(script).send(context) is None
        assert json.loads(context.body or b"") == after
    answering = case(script, "onResponse")
    assert answering.send(context) is None
    status = 409 if "statusCode" in script else 200
    answering.answer(context, {**JSON, "x-tenant": "acme"}, status, json.dumps(before).encode())
    assert json.loads(context.response_body or b"") == after


def test_the_envelope_of_the_page_wraps_errors_alone() -> None:
    (script,) = [script for script, *_ in EXAMPLES if "statusCode" in script]
    for status, answer in ((500, {"error": {"status": 500, "message": "Something went wrong."}}), (200, {})):
        context, answering = request(), case(script, "onResponse")
        answering.answer(context, JSON, status, b"{}")
        assert json.loads(context.response_body or b"") == answer


@pytest.mark.parametrize(
    ("script", "sent", "kind", "body", "new_kind"),
    [
        ("payload", b'{ "a" : 1 }', "application/json", b'{"a":1}', "application/json"),
        ("output text/plain\n---\npayload.a", b'{"a": 1}', "application/json", b"1", "text/plain; charset=utf-8"),
        ("output application/x-www-form-urlencoded\n---\npayload", b'{"a": "b c"}', "application/json", b"a=b+c",
         "application/x-www-form-urlencoded"),
        ("output application/json\n---\npayload", b"a=b+c&d=1&d=2", "application/x-www-form-urlencoded",
         b'{"a":"b c","d":["1","2"]}', "application/json"),
        ("payload ++ {b: 1}", b"a=1", "application/x-www-form-urlencoded", b"a=1&b=1",
         "application/x-www-form-urlencoded"),
        ("output application/xml\n---\n{order: payload}", b'{"id": "<1>"}', "application/json",
         b"<?xml version='1.0' encoding='UTF-8'?>\n<order><id>&lt;1&gt;</id></order>", "application/xml"),
        ("upper(payload)", "é".encode(), "text/plain; charset=utf-8", "É".encode(), "text/plain; charset=utf-8"),
        ("{text: payload}", b"hi", "text/plain", b'{"text":"hi"}', "application/json"),
        ("null", b"[1]", "application/json", b"null", "application/json"),
        ("payload", b"\xff\x00", "application/octet-stream", b"\xff\x00", "application/octet-stream"),
    ],
)  # fmt: skip
def test_bodies_of_each_media_type(script: str, sent: bytes, kind: str, body: bytes, new_kind: str) -> None:
    context = posted(sent, {"content-type": kind})
    assert case(script).send(context) is None
    assert context.body == body
    assert context.headers == [(b"content-type", new_kind.encode())]
    answering, context = case(script, "onResponse"), request()
    assert answering.answer(context, {"content-type": kind}, body=sent)["content-type"] == new_kind
    assert context.response_body == body


@pytest.mark.parametrize(
    ("script", "body"),
    [
        ("payload.a.b", b'{"a": 5}'),
        ("payload ++ 'x'", b"[1]"),
        ("payload", b'{"a": '),
        ("payload", b"[" * 5000),
        ("output text/plain\n---\npayload", b"[1]"),
        ("output application/xml\n---\npayload", b'{"a": 1, "b": 2}'),
        ("payload map (payload map $)", b"[" + b"1," * 2000 + b"1]"),
        ("payload map (payload.list)", b'[{"list": 1}, 2]' * 2),
    ],
)
def test_a_script_that_fails_ends_the_request_and_replaces_the_answer(script: str, body: bytes) -> None:
    refused = case(script).send(posted(body))
    assert refused is not None
    assert (refused.status, refused.code) == (400, "body_transformation_failed")
    with pytest.raises(Refused) as caught:
        case(script, "onResponse").answer(request(), JSON, body=body)
    assert (caught.value.response.status, caught.value.response.code) == (502, "body_transformation_answer_failed")


def test_a_compressed_body_is_refused() -> None:
    refused = case("payload").send(posted(b"\x1f\x8b", {**JSON, "content-encoding": "gzip"}))
    assert refused is not None
    assert (refused.status, refused.code) == (415, "body_transformation_encoded")
    assert case("payload").send(posted(b"{}", {**JSON, "content-encoding": "identity"})) is None
    for headers in ({**JSON, "content-encoding": "br"}, {"content-type": "text/event-stream"}):
        with pytest.raises(Refused):
            case("payload", "onResponse").answer(request(), headers, body=b"x")


def test_the_service_is_asked_for_whole_answers_that_can_be_read() -> None:
    context = request(headers={"accept-encoding": "gzip", "range": "bytes=0-1", "if-range": "x", "accept": "*/*"})
    assert case("payload", "onResponse").send(context) is None
    assert context.headers == [(b"accept", b"*/*")]


def test_a_message_without_a_body_stays_as_it_is() -> None:
    context = request(headers=JSON)
    assert case("{a: 1}").send(context) is None
    assert context.body is None
    chunked = request(headers=JSON)
    chunked.body_length = -1
    assert case("{a: 1}").send(chunked) is None
    assert chunked.body == b""
    for method, status in (("HEAD", 200), ("GET", 204), ("GET", 304)):
        context = request(method)
        assert case("{a: 1}", "onResponse").answer(context, JSON, status, b"") == JSON
        assert context.response_body is None
    context = request()
    assert case("{a: 1}", "onResponse").answer(context, JSON, 200, b"") == JSON
    assert context.response_body == b""


def test_what_says_something_about_the_old_body_goes() -> None:
    headers = {**JSON, "etag": '"v1"', "content-digest": "sha-256=:x:", "digest": "x", "content-md5": "x", "x-a": "1"}
    answered = case("payload", "onResponse").answer(request(), headers, body=b"{}")
    assert answered == {**JSON, "etag": 'W/"v1"', "x-a": "1"}
    weak = case("payload", "onResponse").answer(request(), {**JSON, "etag": 'W/"v1"'}, body=b"{}")
    assert weak["etag"] == 'W/"v1"'


def test_two_content_types_become_one() -> None:
    context = posted(b'{"a": 1}', {})
    context.headers = [(b"content-type", b"application/json"), (b"content-type", b"text/plain")]
    assert case("{a: payload}").send(context) is None
    assert context.headers == [(b"content-type", b"application/json")]
    assert context.body == b'{"a":"{\\"a\\": 1}"}'


def test_the_answer_knows_its_request() -> None:
    context = request("DELETE", "/orders/17?why=old", {"x-key": "K1"})
    script = """{
        m: attributes.method, p: attributes.requestPath, q: attributes.queryParams.why, k: attributes.headers.'x-key'
    }"""
    case(script, "onResponse").answer(context, JSON, body=b"1")
    assert json.loads(context.response_body or b"") == {"m": "DELETE", "p": "/orders/17", "q": "old", "k": None}


@pytest.mark.parametrize(
    ("config", "path", "words"),
    [
        ({"script": "payload."}, "script", "Character 9: A name is missing after “.”"),
        ({"script": "%dw 2.0\noutput application/avro\n---\n1"}, "script", "Character 16: This gateway does not write"),
        ({"script": "attributes.statusCode"}, "", "Character 12: “attributes.statusCode” belongs to the response"),
        ({"script": ""}, "script", "An expression is missing here"),
        ({"script": "vars.x"}, "script", "no “vars”"),
        ({"requestFlow": "onRequset"}, "requestFlow", "onRequset"),
    ],
)
def test_bad_settings_are_refused(config: dict[str, str], path: str, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        read_config(definition(NAME), {"script": "payload", "requestFlow": "onRequest", **config})
    assert caught.value.path == path
    assert words in caught.value.message


@given(values, st.sampled_from(["payload", "{a: payload}", "payload.a", "write(payload)"]))
def test_whatever_is_sent_is_transformed_or_refused(value: Any, script: str) -> None:
    try:
        body = json.dumps(value, default=str).encode()
    except (TypeError, ValueError):
        return
    context = posted(body)
    refused = case(script).send(context)
    if refused is None:
        json.loads(context.body or b"null")
    else:
        assert refused.code == "body_transformation_failed"


@given(st.binary(max_size=40), st.sampled_from(["application/json", "text/plain", "a/b", "", "text/xml"]))
def test_bytes_that_are_nothing_are_transformed_or_refused(body: bytes, kind: str) -> None:
    context = posted(body, {"content-type": kind})
    refused = case("{seen: payload}").send(context)
    assert refused is None or refused.code == "body_transformation_failed"
