"""The messages of external processing beside Envoy's own definitions."""

from contextlib import suppress
from typing import Any

import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as v3
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.fetching.header_changes import Action
from gateway_runtime.grpc.wire import WireError
from gateway_runtime.policies.ext_proc_messages import (
    Immediate,
    Part,
    Parts,
    Patience,
    Said,
    body_message,
    configuration,
    headers_message,
    read_answer,
)

HEADS = Parts(True, False, True, False)

# What is shown


def test_a_head_is_shown_with_its_headers_in_their_order() -> None:
    fields = [(b":method", b"GET"), (b"x-a", b"\xe4"), (b"x-b", b"1"), (b"x-a", b"2")]
    found = v3.ProcessingRequest.FromString(headers_message(Part.REQUEST_HEADERS, fields, bodiless=True))
    shown = found.request_headers
    assert [(each.key, each.raw_value, each.value) for each in shown.headers.headers] == [
        (name.decode(), value, "") for name, value in fields
    ]
    assert shown.end_of_stream
    assert not v3.ProcessingRequest.FromString(
        headers_message(Part.RESPONSE_HEADERS, fields, bodiless=False)
    ).response_headers.end_of_stream


@pytest.mark.parametrize("part", ["request_body", "response_body"])
def test_a_body_is_shown_to_its_end(part: str) -> None:
    found = v3.ProcessingRequest.FromString(body_message(Part[part.upper()], b"\0\xff"))
    assert found.WhichOneof("request") == part
    shown = getattr(found, part)
    assert (shown.body, shown.end_of_stream) == (b"\0\xff", True)


def test_the_first_message_says_how_bodies_will_come() -> None:
    first = headers_message(Part.REQUEST_HEADERS, [], bodiless=True) + configuration(Parts(True, True, True, False))
    found = v3.ProcessingRequest.FromString(first)
    assert found.HasField("request_headers")
    modes = found.protocol_config
    assert (modes.request_body_mode, modes.response_body_mode) == (2, 0)


# What is said


def said(part: Part = Part.REQUEST_HEADERS, configured: Parts | None = HEADS, **fields: Any) -> Any:
    return read_answer(v3.ProcessingResponse(**fields).SerializeToString(), part, configured)


def heads(**common: Any) -> dict[str, Any]:
    return {"request_headers": {"response": common}}


def test_headers_go_before_they_come() -> None:
    mutation = {
        "remove_headers": ["x-a"],
        "set_headers": [
            {"header": {"key": "x-a", "raw_value": b"1"}},
            {"header": {"key": "x-b", "value": "2"}, "append": {"value": True}},
            {"header": {"key": "x-c", "value": "3"}, "append_action": 1},
            {"header": {"key": "x-d", "value": "4"}, "append_action": 3},
        ],
    }
    assert said(**heads(header_mutation=mutation)).changes == [
        (Action.REMOVE, b"x-a", b""), (Action.SET, b"x-a", b"1"), (Action.APPEND, b"x-b", b"2"),
        (Action.ADD_IF_ABSENT, b"x-c", b"3"), (Action.SET_IF_PRESENT, b"x-d", b"4"),
    ]  # fmt: skip


def setting_header(name: str, value: str) -> dict[str, Any]:
    return heads(header_mutation={"set_headers": [{"header": {"key": name, "raw_value": value.encode()}}]})


@pytest.mark.parametrize("name", [":authority", ":method", ":scheme", "host", "Host"])
def test_what_envoy_passes_over_is_passed_over(name: str) -> None:
    assert said(**setting_header(name, "a")) == Said([])
    assert said(**heads(header_mutation={"remove_headers": [name, ":path"]})) == Said([])


def test_the_status_of_an_answer_can_be_set() -> None:
    mutation = {"set_headers": [{"header": {"key": ":status", "raw_value": b"418"}}]}
    found = said(Part.RESPONSE_HEADERS, response_headers={"response": {"header_mutation": mutation}})
    assert found == Said([], 418)


@pytest.mark.parametrize(
    ("part", "mutation", "body"),
    [
        (Part.REQUEST_BODY, {"body": b"new"}, b"new"),
        (Part.RESPONSE_BODY, {"body": b""}, b""),
        (Part.RESPONSE_BODY, {"clear_body": True}, b""),
        (Part.RESPONSE_BODY, {"clear_body": False}, None),
        (Part.REQUEST_BODY, {}, None),
        # Only with CONTINUE_AND_REPLACE does a head have a body.
        (Part.REQUEST_HEADERS, {"body": b"new"}, None),
    ],
)
def test_what_becomes_of_a_body(part: Part, mutation: dict[str, Any], body: bytes | None) -> None:
    found = said(part, **{part.name.lower(): {"response": {"body_mutation": mutation}}})
    assert (found.body, found.whole) == (body, False)


@pytest.mark.parametrize(("mutation", "body"), [({"body": b"new"}, b"new"), ({}, b"")])
def test_a_head_can_bring_the_whole_message(mutation: dict[str, Any], body: bytes) -> None:
    found = said(**heads(status=1, body_mutation=mutation))
    assert (found.body, found.whole) == (body, True)


def test_an_immediate_answer() -> None:
    headers = {"set_headers": [{"header": {"key": "x-a", "value": "1"}}]}
    found = said(Part.RESPONSE_BODY, immediate_response={"status": {"code": 302}, "headers": headers, "body": b"no"})
    assert found == Immediate(302, [(Action.SET, b"x-a", b"1")], b"no")


@pytest.mark.parametrize(
    ("seconds", "nanos", "expected"), [(1, 500_000_000, 1.5), (0, 2_000_000, 0.002), (-1, 0, -1.0)]
)
def test_a_processor_asks_for_time(seconds: int, nanos: int, expected: float) -> None:
    assert said(override_message_timeout={"seconds": seconds, "nanos": nanos}) == Patience(expected)


@pytest.mark.parametrize(
    ("mode", "parts"),
    [
        ({}, Parts(True, False, True, False)),
        ({"request_body_mode": 2, "response_body_mode": 2}, Parts(True, True, True, True)),
        ({"response_header_mode": 2}, Parts(True, False, False, False)),
        ({"response_header_mode": 1, "request_header_mode": 2}, Parts(True, False, True, False)),
    ],
)
def test_a_processor_chooses_what_it_wants_to_see(mode: dict[str, Any], parts: Parts) -> None:
    assert said(**heads(), mode_override=mode).parts == parts
    assert said(configured=None, **heads(), mode_override=mode).parts is None


def test_a_choice_in_an_answer_about_a_body_is_passed_over() -> None:
    assert said(Part.REQUEST_BODY, request_body={}, mode_override={"response_body_mode": 2}).parts is None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"response_headers": {}},
        {"request_headers": {}, "mode_override": {"request_body_mode": 1}},
        {"request_headers": {}, "mode_override": {"response_body_mode": 3}},
        {"request_headers": {}, "mode_override": {"response_trailer_mode": 1}},
        {"immediate_response": {}},
        {"immediate_response": {"status": {"code": 100}}},
        setting_header(":path", "/admin"),
        setting_header(":status", "200"),
        heads(header_mutation={"set_headers": [{"header": {"key": "x-a"}, "append_action": 9}]}),
        heads(status=1, body_mutation={"streamed_response": {"body": b"a"}}),
    ],
)
def test_what_cannot_be_followed(fields: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        said(**fields)


@given(st.binary(max_size=100), st.sampled_from(Part))
def test_noise_never_breaks_it(data: bytes, part: Part) -> None:
    with suppress(WireError):
        read_answer(data, part, HEADS)
