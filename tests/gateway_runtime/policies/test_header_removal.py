import pytest

from gateway_runtime.policies.results import Refused
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import policy_case, request

NAME = "header-removal"
# What the documents say can never be taken away.
PROTECTED = ["accept", "connection", "content-length", "content-type", "date", "host", "transfer-encoding"]


def left_of_request(entries: list[str], *names: str) -> list[str]:
    context = request(headers=[(name, "1") for name in names])
    assert policy_case(NAME, {"inboundHeaders": entries}).send(context) is None
    return [name.decode() for name, _ in context.headers]


def left_of_response(entries: list[str], *names: str) -> list[str]:
    case = policy_case(NAME, {"outboundHeaders": entries})
    return list(case.answer(request(), dict.fromkeys(names, "1")))


@pytest.mark.parametrize("left", [left_of_request, left_of_response])
@pytest.mark.parametrize(
    ("entries", "names", "expected"),
    [
        (["x-debug"], ["x-debug", "x-trace"], ["x-trace"]),
        (["X-Debug"], ["x-debug"], []),
        (["x-debug"], ["x-debugger", "my-x-debug"], ["x-debugger", "my-x-debug"]),
        (["Access-Control.*"], ["access-control-max-age", "x-access-control"], ["x-access-control"]),
        (["a|b"], ["a", "b", "ab"], ["ab"]),
        (["a", "b.*"], ["a", "bc", "c"], ["c"]),
        ([".*"], ["x-a", *PROTECTED], PROTECTED),
        (["host", "Content-Type"], ["host", "content-type", "x"], ["host", "content-type", "x"]),
    ],
)
def test_headers_are_taken_out_by_name_or_pattern(left, entries: list[str], names: list[str], expected: list) -> None:  # type: ignore[no-untyped-def]
    assert left(entries, *names) == expected


def test_every_value_of_a_repeated_header_goes() -> None:
    assert left_of_request(["x-a"], "x-a", "x-b", "x-a") == ["x-b"]


def test_one_direction_leaves_the_other_alone() -> None:
    case = policy_case(NAME, {"outboundHeaders": ["x-a"]})
    context = request(headers={"x-a": "1"})
    assert case.send(context) is None
    assert context.headers == [(b"x-a", b"1")]
    assert case.answer(context, {"x-a": "1", "x-b": "2"}) == {"x-b": "2"}


def test_names_thought_up_by_callers_are_not_remembered_without_end() -> None:
    case = policy_case(NAME, {"inboundHeaders": ["x-secret-.*"]})
    for number in range(3000):
        context = request(headers={f"x-{number}": "1", f"x-secret-{number}": "1"})
        case.send(context)
        assert context.headers == [(b"x-%d" % number, b"1")]
    assert case.handlers.request_headers is not None
    (stays,) = [cell.cell_contents for cell in case.handlers.request_headers.__closure__]  # type: ignore[attr-defined]
    assert len(stays) == 1024


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "at least one"),
        ({"inboundHeaders": [], "outboundHeaders": []}, "at least one"),
        ({"inboundHeaders": ["x-("]}, "neither a header name nor a valid RE2 pattern"),
        ({"outboundHeaders": ["(?=x)"]}, "valid RE2 pattern"),
        ({"inboundHeaders": ["x a"]}, "no spaces"),
        ({"inboundHeaders": ["x-é"]}, "no spaces"),
        ({"inboundHeaders": ["x\r\ny"]}, "no spaces"),
        ({"inboundHeaders": [""]}, "length"),
        ({"inboundHeaders": ["a"] * 51}, "length"),
    ],
)
def test_unusable_settings_are_refused(config: dict, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, config)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (["#[attributes.headers['x-drop']]"], ["x-drop", "x-b"]),
        (["x-b", "#['x-' ++ attributes.method]"], ["x-drop", "x-a"]),
        (["#[attributes.headers['x-none']]"], ["x-drop", "x-a", "x-b"]),
        (["x-#[lower('A')]"], ["x-drop", "x-b"]),
        (["#['x-.*']"], ["x-drop", "x-a", "x-b"]),
    ],
)
def test_an_expression_names_one_header_and_is_no_pattern(entries: list[str], expected: list[str]) -> None:
    context = request(headers={"x-drop": "X-A", "x-a": "1", "x-b": "2"})
    assert policy_case(NAME, {"inboundHeaders": entries}).send(context) is None
    assert [name.decode() for name, _ in context.headers] == expected


@pytest.mark.parametrize("name", PROTECTED)
def test_no_expression_takes_a_protected_header_away(name: str) -> None:
    entry = f"#['{name.upper()}' ++ '']"
    assert left_of_request([entry], name) == left_of_response([entry], name) == [name]


def test_an_expression_over_the_answer_names_a_header_of_it() -> None:
    entry = "#[if (attributes.statusCode == 500) 'server' else null]"
    case = policy_case(NAME, {"outboundHeaders": [entry]})
    assert list(case.answer(request(), {"server": "1"}, 500)) == []
    assert list(case.answer(request(), {"server": "1"}, 200)) == ["server"]


def test_an_expression_that_cannot_be_evaluated_ends_the_request() -> None:
    entry = "#[fromBase64(attributes.headers['x-a'])]"
    refusal = policy_case(NAME, {"inboundHeaders": [entry]}).send(request(headers={"x-a": "!"}))
    assert refusal is not None
    assert (refusal.status, refusal.code) == (500, "header_removal_not_evaluated")
    with pytest.raises(Refused) as caught:
        policy_case(NAME, {"outboundHeaders": [entry]}).answer(request(), {"x-a": "!"})
    assert caught.value.response.code == "header_removal_not_evaluated"


def test_a_mistake_in_an_expression_is_told_at_its_entry() -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, {"inboundHeaders": ["x-a", "#[attributs.method]"]})
    assert (caught.value.path, caught.value.position) == ("inboundHeaders[1]", 2)
