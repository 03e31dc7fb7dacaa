from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.policies.results import Refused
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request

from .documented import examples

NAME = "dataweave-headers-transformation"


def case(script: str, flow: str = "onRequest", **more: Any) -> PolicyCase:
    return policy_case(NAME, {"script": script, "requestFlow": flow, **more})


def sent(script: str, headers: Any = None, **more: Any) -> list[tuple[bytes, bytes]]:
    context = request(headers=headers)
    assert case(script, **more).send(context) is None
    return context.headers


@pytest.mark.parametrize(
    ("headers", "client"),
    [({}, b"client-id-not-set"), ({"custom-client-header": "7"}, b"7")],
)
def test_the_documented_example(headers: dict[str, str], client: bytes) -> None:
    context = request(headers={**headers, "x-other": "1"})
    assert policy_case(NAME).send(context) is None
    assert context.headers == [(b"custom_client_secret", b"fixed_secret_123"), (b"custom_client_id", client)]


@pytest.mark.parametrize(("script", "before", "after"), examples(NAME))
def test_an_example_of_the_page_gives_what_it_says(script: str, before: Any, after: Any) -> None:
    expected = {name.encode(): value.encode() for name, value in after.items()}
    assert dict(sent(script, before)) == expected
    context, answering = request(), case(script, "onResponse")
    assert answering.answer(context, before) == after


@pytest.mark.parametrize(
    ("script", "made"),
    [
        ("{'X-A': 1, b: true, c: 'd', e: null}", [(b"x-a", b"1"), (b"b", b"true"), (b"c", b"d")]),
        ("{a: ['1', 2, null]}", [(b"a", b"1"), (b"a", b"2")]),
        ("{a: []}", []),
        ("{a: ' x\t'}", [(b"a", b"x")]),
        ("{a: 'é'}", [(b"a", "é".encode())]),
    ],
)
def test_values_become_headers(script: str, made: list[tuple[bytes, bytes]]) -> None:
    assert sent(script) == made


FRAMING = [
    ("host", "api.example"), ("content-length", "3"), ("connection", "close"), ("te", "trailers"), ("via", "1.1 a"),
    ("transfer-encoding", "chunked"), ("upgrade", "x"), ("expect", "100-continue"), ("x-request-id", "1"),
]  # fmt: skip


def test_what_frames_a_message_stays_whatever_the_script_gives() -> None:
    before = [(name.encode(), value.encode()) for name, value in FRAMING]
    assert sent("{}", FRAMING) == before
    evil = ", ".join(f"'{name}': 'evil', '{name.title()}x': 1" for name, _ in FRAMING)
    made = sent(f"{{{evil}}}", FRAMING)
    assert made[: len(before)] == before
    assert not [value for _, value in made if value == b"evil"]
    assert not [name for name, _ in sent(f"{{{evil}}}") if name.decode() in dict(FRAMING)]


def test_what_says_how_a_body_is_read_stays_unless_the_script_says_otherwise() -> None:
    before = {"content-type": "a/b", "accept": "*/*", "date": "now", "content-encoding": "gzip", "x-a": "1"}
    assert dict(sent("{}", before)) == {k.encode(): v.encode() for k, v in before.items() if k != "x-a"}
    assert sent("{'Content-Type': 'c/d'}", {"content-type": "a/b"}) == [(b"content-type", b"c/d")]


def test_what_is_handed_on_is_not_touched() -> None:
    context = request()
    cookies = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=\xff")]
    answering = case("attributes.headers ++ {'x-a': 1}", "onResponse")
    context.response_status, context.response_headers = 200, list(cookies)
    assert answering.chain.run_response(context) is None
    assert context.response_headers == [*cookies, (b"x-a", b"1")]
    assert sent("attributes.headers", [("accept", "a"), ("accept", "b")]) == [(b"accept", b"a"), (b"accept", b"b")]


@pytest.mark.parametrize(
    "script",
    [
        "{a: 'x\\r\\nset-cookie: evil=1'}", "{a: '\\n'}", "{a: 'b\\u0000'}", "{a: '\\u007f'}", "{'a b': 1}", "{'': 1}",
        "{'a:b': 1}", "{'a\\r\\nb': 1}", "{'é': 1}", "{a: {b: 1}}", "{a: [[1]]}", "{a: attributes.queryParams.q}",
        "{(attributes.queryParams.q): 1}", "{a: fromBase64('/w==')}", "if (attributes.queryParams.none?) {} else null",
        "{a: attributes.queryParams.long}", "splitBy('a' replace 'a' with attributes.queryParams.many, ',') groupBy $",
    ],
)  # fmt: skip
def test_what_is_no_header_is_never_written(script: str) -> None:
    context = request(path="/?q=x%0d%0aset-cookie:evil&long=" + "a" * 8_193 + "&many=" + ",".join(map(str, range(101))))
    refused = case(script).send(context)
    assert refused is not None
    assert (refused.status, refused.code) == (400, "headers_transformation_failed")
    later = request(path=f"/?{context.query.decode()}")
    with pytest.raises(Refused) as caught:
        case(script, "onResponse").answer(later)
    assert (caught.value.response.status, caught.value.response.code) == (502, "headers_transformation_answer_failed")


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_name_and_no_value_can_break_a_head(name: str, value: str) -> None:
    from urllib.parse import quote

    path = f"/?n={quote(name, errors='replace')}&v={quote(value, errors='replace')}"
    context = request(path=path)
    if case("{(attributes.queryParams.n): attributes.queryParams.v}").send(context) is None:
        for key, data in context.headers:
            assert not set(key + data) & {*range(9), *range(10, 32), 127}
            assert b":" not in key


def test_the_body_is_read_where_it_is_asked_for() -> None:
    context = request("POST", headers={"content-type": "application/json"}, body=b'{"id": 17}')
    assert case("{'x-id': payload.id}", requiresPayload=True).send(context) is None
    assert (b"x-id", b"17") in context.headers
    assert context.body == b'{"id": 17}'
    answering = case("{'x-id': payload.id, 'x-status': attributes.statusCode}", "onResponse", requiresPayload=True)
    answered = answering.answer(request(), {"content-type": "application/json"}, 201, b'{"id": 18}')
    assert answered == {"content-type": "application/json", "x-id": "18", "x-status": "201"}
    refused = case("{'x-id': payload.id}", requiresPayload=True).send(
        request("POST", headers={"content-type": "application/json"}, body=b"{")
    )
    assert refused is not None
    unread = request("POST", body=b"x")
    assert case("{}").send(unread) is None
    assert unread.body is None


@pytest.mark.parametrize(
    ("config", "path", "words"),
    [
        ({"script": "'text'"}, "script", "Character 1: This setting needs an object"),
        ({"script": "{a: payload.id}"}, "", "turn on “Needs the body” (requiresPayload)"),
        ({"script": "{a: attributes.statusCode}"}, "", "Character 16: “attributes.statusCode” belongs to the response"),
        ({"script": "{a: attributes.headers.'X-A'}"}, "script", "lower case"),
    ],
)
def test_bad_settings_are_refused(config: dict[str, str], path: str, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        read_config(definition(NAME), {"requestFlow": "onRequest", **config})
    assert caught.value.path == path
    assert words in caught.value.message
