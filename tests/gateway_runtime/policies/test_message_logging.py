"""Message logging: what is written when, and that nothing a caller sends leaves its message."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.message_logging import LONGEST_LINE, quoted, within
from gateway_runtime.testing import PolicyCase, policy_case, request

NAME = "message-logging"


def case(message: str = "#[attributes.method]", *, name: str = "calls", **data: Any) -> PolicyCase:
    item = {"message": message, "level": "INFO", "firstSection": True, **data}
    return policy_case(NAME, {"loggingConfiguration": [{"itemName": name, "itemData": item}]})


def lines(made: PolicyCase) -> list[dict[str, Any]]:
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in made.lines)
    return [json.loads(line) for line in made.lines]


def logged(message: str, context: RequestContext | None = None, **data: Any) -> Any:
    """Return the one message that a request leaves."""
    made = case(message, **data)
    assert made.send(context or request()) is None
    (line,) = lines(made)
    return line["message"]


def test_a_line_says_what_where_and_when() -> None:
    made = case("#[attributes.method] #[attributes.requestPath]", category="shop.orders", level="WARN")
    made.clock.now = 1_767_225_600.25
    made.send(request("POST", "/orders"))
    assert lines(made) == [
        {
            "@timestamp": "2026-01-01T00:00:00.250Z", "ecs.version": "8.11.0", "event.kind": "event",
            "event.action": "message", "log.level": "warn", "log.logger": "shop.orders",
            "portico.policy": "message-logging", "portico.api.id": "api-1", "portico.api.name": "Orders",
            "portico.message.name": "calls", "portico.message.section": "request", "http.request.id": "request-1",
            "message": "POST /orders",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({}, []),
        ({"firstSection": True}, ["request"]),
        ({"secondSection": True}, ["response"]),
        ({"firstSection": True, "secondSection": True}, ["request", "response"]),
    ],
)
def test_each_section_is_written_where_it_is_asked_for(sections: dict[str, bool], expected: list[str]) -> None:
    made = case(**{"firstSection": False, **sections})
    context = request()
    made.send(context)
    made.answer(context)
    assert [line["portico.message.section"] for line in lines(made)] == expected


def test_the_answer_is_known_in_the_second_section() -> None:
    made = case("#[attributes.method] #[attributes.statusCode] #[attributes.headers['x-a']]", secondSection=True)
    context = request(headers={"x-a": "asked"})
    made.send(context)
    made.answer(context, {"x-a": "answered"}, 201)
    assert [line["message"] for line in lines(made)] == ["GET  asked", "GET 201 answered"]


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        ("#[true]", True),
        ("#[false]", False),
        ("#[attributes.headers['x-a'] == '1']", True),
        ("#[attributes.headers['x-a'] == '2']", False),
        ("#[sizeOf(attributes.headers['x-none']) > 0]", False),
        ("#[attributes.headers['x-a'] < attributes.headers['x-none']]", False),
    ],
)
def test_a_message_is_written_only_where_its_condition_gives_true(condition: str, written: bool) -> None:
    made = case(conditional=condition)
    made.send(request(headers={"x-a": "1"}))
    assert bool(made.lines) is written


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("plain text", "plain text"),
        ("#[sizeOf('ab')]", "2"),
        ("#[attributes.method == 'GET']", "true"),
        ("#[attributes.headers['x-none']]", ""),
        ("#[['a', 'b']]", '["a","b"]'),
        ("#[fromBase64('YWRh')]", "ada"),
        ("#[attributes.headers]", '{"x-a":"1"}'),
    ],
)
def test_whatever_an_expression_gives_is_written_as_text(message: str, expected: str) -> None:
    assert logged(message, request(headers={"x-a": "1"})) == expected


def test_what_cannot_be_evaluated_is_said_and_hinders_nothing() -> None:
    made = case("#[fromBase64(attributes.headers['x-a'])]")
    assert made.send(request(headers={"x-a": "!"})) is None
    (line,) = lines(made)
    assert (line["message"], line["error.code"]) == ("", "not_base64")


def test_variables_say_what_became_of_the_request() -> None:
    made = case(
        "#[vars.apiName] #[vars.reqId] #[vars.requestDisposition] #[vars.violation.violationType]",
        firstSection=False, secondSection=True,
    )  # fmt: skip
    allow = policy_case("ip-allowlist", {"ips": ["10.0.0.1"]})
    chain = Chain([Binding(NAME, made.handlers), Binding("ip-allowlist", allow.handlers)])
    for address in ("10.0.0.1", "10.0.0.2"):
        context = request(client_ip=address)
        chain.run_request(context)
        context.response_status = 200
        chain.run_response(context)
    assert [line["message"] for line in lines(made)] == [
        "Orders request-1 PROCESSED ",
        "Orders request-1 VIOLATION ip_not_allowed",
    ]


JSON = {"content-type": "application/json"}


def test_the_bodies_of_both_messages_are_logged_where_they_are_asked_for() -> None:
    made = case("#[payload.id] #[attributes.method]", secondSection=True)
    context = request("POST", headers=JSON, body=b'{"id": 17}')
    assert made.send(context) is None
    made.answer(context, JSON, body=b'{"id": 18}')
    assert [line["message"] for line in lines(made)] == ["17 POST", "18 POST"]


def test_a_whole_body_is_logged_as_json_and_one_that_is_none_as_an_error() -> None:
    made = case("#[payload]")
    for body in (b'{"a": [1, "\xc3\xa9"]}', b"[1", b"", b"[" * 5000, b"[" * 900 + b"]" * 900):
        assert made.send(request("POST", headers=JSON, body=body)) is None
    found = lines(made)
    assert [line["message"] for line in found[:3]] == ['{"a":[1,"é"]}', "", ""]
    assert [line.get("error.code") for line in found[:4]] == [None, "bad_payload", None, "bad_payload"]
    assert len(found) == 5


def test_a_body_that_no_line_needs_is_not_waited_for() -> None:
    read, unread = request("POST", body=b"x"), request("GET", body=b"x")
    made = case("#[payload]", conditional="#[attributes.method == 'POST']")
    assert made.send(read) is None
    assert made.send(unread) is None
    assert (read.body, unread.body) == (b"x", None)
    assert [line["message"] for line in lines(made)] == ["x"]
    plain = request(body=b"x")
    assert logged("#[attributes.method]", plain) == "GET"
    assert plain.body is None


def test_a_condition_may_look_at_the_body() -> None:
    made = case("#[attributes.method]", conditional="#[payload.id == 17]")
    for body in (b'{"id": 17}', b'{"id": 18}', b"{"):
        assert made.send(request("POST", headers=JSON, body=body)) is None
    assert len(lines(made)) == 1


def test_a_stream_of_events_is_not_waited_for() -> None:
    made = case("#[payload] #[attributes.statusCode]", firstSection=False, secondSection=True)
    context = request()
    made.answer(context, {"content-type": "text/event-stream"}, body=b"data: 1")
    assert context.response_body is None
    assert [line["message"] for line in lines(made)] == [" 200"]


@pytest.mark.parametrize(
    "value", ["a\r\nb", '","level":"fatal', "\\", "\x1b[31m", "\x00", "\x85", "\u2028", "\u202e", "\xff", "\u00e9"]
)
def test_what_a_caller_sends_stays_in_its_message(value: str) -> None:
    made = case("#[attributes.headers['x-a']]")
    context = request()
    context.headers = [(b"x-a", value.encode())]
    made.send(context)
    (line,) = made.lines
    assert line.count(b"\n") == 1
    assert len(line.decode().splitlines()) == 1
    assert b"\x1b" not in line
    found = json.loads(line)
    assert found["message"] == value
    assert found["log.level"] == "info"


def test_bytes_that_are_no_text_are_written_as_escapes() -> None:
    context = request()
    context.headers = [(b"x-a", b"a\xff")]
    assert logged("#[attributes.headers['x-a']]", context) == "a\\udcff"


@given(st.text(alphabet=st.characters(), max_size=300), st.integers(min_value=30, max_value=400))
def test_any_text_is_one_json_string_within_its_room(text: str, room: int) -> None:
    found = within(text, room)
    assert len(found) <= room
    assert isinstance(json.loads(found), str)
    whole = quoted(text).decode()
    assert len(whole.splitlines()) == 1
    assert json.loads(whole) == text.encode("utf-8", "backslashreplace").decode()


@pytest.mark.parametrize("sign", ["a", "\x01", "é", "\U0001f600", "\x85"])
def test_a_line_is_no_longer_than_what_is_written_at_once(sign: str) -> None:
    made = case("#[attributes.headers['x-a']]", category="c" * 100, name="n" * 100)
    context = request()
    context.headers = [(b"x-a", sign.encode() * 10_000)]
    made.send(context)
    (line,) = made.lines
    assert len(line) <= LONGEST_LINE
    assert json.loads(line)["message"].endswith("…")


def test_several_messages_are_written_in_their_order() -> None:
    data = {"level": "DEBUG", "firstSection": True}
    items = [{"itemData": {**data, "message": message}} for message in ("one", "two")]
    made = policy_case(NAME, {"loggingConfiguration": items})
    made.send(request())
    assert [(line["message"], line["log.level"]) for line in lines(made)] == [("one", "debug"), ("two", "debug")]
