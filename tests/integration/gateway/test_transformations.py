"""Transformations and the request filter from declarative files, with the real gateway: what the service sees, and what
callers get."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.gateway.transformation_place import JSON, Place, transformation_place
from tests.stack import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with transformation_place(tmp_path_factory.mktemp("transformations")) as running:
        yield running


# Bodies


@pytest.mark.parametrize("chunked", [False, True])
def test_the_service_sees_the_body_that_the_documented_script_makes(place: Place, chunked: bool) -> None:
    sent = b'{"name": "Ada", "surname": "Lovelace"}'
    headers = {**JSON, "custom-client-header": "7"}
    if chunked:
        headers["transfer-encoding"] = "chunked"
    reply = place.call("/documented-body/a", headers, sent, chunked=chunked)
    assert reply.status == 200
    seen = reply.json
    assert json.loads(seen["body"]) == {"id": "7", "username": "AdaLovelace"}
    assert seen["headers"]["content-length"] == str(len(seen["body"]))
    assert seen["headers"]["content-type"] == "application/json"
    assert "transfer-encoding" not in seen["headers"]


@pytest.mark.parametrize("body", [b'{"name": "Ada"}', b"{", b"[1]"])
def test_a_body_that_the_script_cannot_take_is_the_callers_mistake(place: Place, body: bytes) -> None:
    reply = place.call("/documented-body/a", JSON, body)
    assert (reply.status, reply.json["code"]) == (400, "body_transformation_failed")
    assert reply.json["policy"] == "dataweave-body-transformation"
    assert place.call("/documented-body/a", {**JSON, "content-encoding": "gzip"}, b"\x1f").status == 415


def test_a_request_without_a_body_stays_without_one(place: Place) -> None:
    seen = place.call("/documented-body/seen").json
    assert seen["body"] == ""
    assert "content-length" not in seen["headers"]


def test_a_body_above_the_limit_is_refused(place: Place) -> None:
    reply = place.call("/documented-body/a", JSON, b'{"name": "' + b"a" * 1_100_000 + b'"}')
    assert reply.status == 413


def test_json_becomes_a_form(place: Place) -> None:
    seen = place.call("/form/a", JSON, b'{"a": ["1", "b c"], "secret": "x", "d": true}').json
    assert seen["body"] == "a=1&a=b+c&d=true"
    assert seen["headers"]["content-type"] == "application/x-www-form-urlencoded"
    assert seen["headers"]["content-length"] == "16"


def test_an_answer_becomes_xml(place: Place) -> None:
    reply = place.call("/xml/a", {"accept-encoding": "gzip"})
    expected = b"<?xml version='1.0' encoding='UTF-8'?>\n<answer><status>200</status><note>hello</note></answer>"
    assert (reply.status, reply.body) == (200, expected)
    assert reply.header("content-type") == "application/xml"
    assert reply.header("content-length") == str(len(expected))
    assert reply.header("content-encoding") is None


def test_errors_are_wrapped_and_answers_too(place: Place) -> None:
    wrong = place.call("/envelope/conflict")
    assert (wrong.status, wrong.json) == (409, {"error": {"status": 409, "message": "out of stock"}})
    assert place.call("/envelope/a").json == {"data": {"note": "hello"}}
    marked = place.call("/envelope/cookies")
    assert (marked.header("etag"), marked.header("content-digest")) == ('W/"v1"', None)
    assert [value for name, value in marked.headers if name.lower() == "set-cookie"] == ["a=1", "b=2"]


@pytest.mark.parametrize("path", ["broken", "always-gzip"])
def test_an_answer_that_cannot_be_transformed_is_not_passed_on(place: Place, path: str) -> None:
    reply = place.call(f"/envelope/{path}")
    assert (reply.status, reply.json["code"]) == (502, "body_transformation_answer_failed")
    assert b"sesame" not in reply.body


def test_an_answer_to_head_has_no_body(place: Place) -> None:
    reply = place.call("/envelope/a", method="HEAD")
    assert (reply.status, reply.body) == (200, b"")


def test_one_transformation_sees_what_another_has_made(place: Place) -> None:
    seen = place.call("/both/a", JSON, b'{"a": 1}').json
    assert json.loads(seen["body"]) == {"a": 1, "first": True, "second": True}


# Headers


@pytest.mark.parametrize(("sent", "client"), [({}, "client-id-not-set"), ({"custom-client-header": "7"}, "7")])
def test_the_service_sees_the_headers_of_the_documented_script(place: Place, sent: dict[str, str], client: str) -> None:
    seen = place.call("/documented-headers/seen", {**sent, "x-gone": "1"}).json["headers"]
    assert (seen["custom_client_secret"], seen["custom_client_id"]) == ("fixed_secret_123123231231231231", client)
    assert "x-gone" not in seen
    assert "custom-client-header" not in seen
    assert seen["host"].startswith("127.0.0.1:")
    assert seen["via"]


def test_headers_may_come_from_bodies_in_both_directions(place: Place) -> None:
    reply = place.call("/headers-of-body/cookies", {**JSON, "x-kept": "1"}, b'{"id": 17}')
    seen = reply.json
    assert (seen["headers"]["x-order"], seen["headers"]["x-kept"]) == ("17", "1")
    assert (seen["body"], seen["headers"]["content-length"]) == ('{"id": 17}', "10")
    assert (reply.header("x-status"), reply.header("x-note")) == ("200", "hello")
    assert reply.header("server") is None
    assert [value for name, value in reply.headers if name.lower() == "set-cookie"] == ["a=1", "b=2"]


def test_a_line_break_of_a_caller_is_never_written(place: Place) -> None:
    reply = place.call("/headers-of-body/a?q=x%0d%0aset-cookie:%20evil=1", JSON, b'{"id": 17}')
    assert (reply.status, reply.json["code"]) == (400, "headers_transformation_failed")


# The filter


def test_the_documented_filter_lets_in_or_answers(place: Place) -> None:
    assert place.call("/documented-filter/a", {"x-api-key": "1"}).status == 200
    refused = place.call("/documented-filter/a")
    assert (refused.status, refused.body) == (401, b"Missing API key")
    assert refused.header("content-type") == "text/plain; charset=utf-8"
    assert refused.header("content-length") == "15"


def test_a_filter_that_looks_at_the_body(place: Place) -> None:
    passed = place.call("/filter-body/a", JSON, b'{"amount": 10}')
    assert (passed.status, passed.json["body"]) == (200, '{"amount": 10}')
    refused = place.call("/filter-body/a", JSON, b'{"amount": 5000}')
    assert (refused.status, refused.json, refused.header("x-why")) == (422, {"most": 1000}, "amount")
    for body, code in ((None, "request_filter_no_body"), (b'{"amount": "many"}', "request_filter_failed")):
        reply = place.call("/filter-body/a", JSON, body)
        assert (reply.status, reply.json["code"]) == (400, code)


def test_a_filter_in_shadow_changes_nothing(place: Place) -> None:
    for body in (b'{"amount": 5000}', b'{"amount": 10}', b"{"):
        reply = place.call("/shadow/a", JSON, body)
        assert (reply.status, reply.json["body"]) == (200, body.decode())
    assert place.call("/shadow/seen").status == 200


# Bodies in other policies


def test_a_limit_may_count_by_what_is_in_the_body(place: Place) -> None:
    replies = [place.call("/limited/a", JSON, b'{"tenant": "%s"}' % tenant) for tenant in (b"a", b"b", b"a")]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[0].json["body"] == '{"tenant": "a"}'


def test_bodies_are_logged_where_a_message_asks_for_them(place: Place) -> None:
    assert place.call("/logged/a", JSON, b'{"id": 17}').status == 200
    wait_until(lambda: len(logged(place)) == 2, seconds=10, what="both lines")
    assert [(line["portico.message.section"], line["message"]) for line in logged(place)] == [
        ("request", "17"),
        ("response", "hello"),
    ]


def logged(place: Place) -> list[Any]:
    return [json.loads(line) for line in place.gateway.log.splitlines() if '"bodies"' in line]
