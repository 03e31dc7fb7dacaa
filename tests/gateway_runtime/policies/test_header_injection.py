import pytest

from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import Refused, Response
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import policy_case, request

NAME = "header-injection"


def one(key: str, value: str = "x") -> list[dict[str, str]]:
    return [{"key": key, "value": value}]


def test_inbound_headers_are_added_beside_those_that_are_there() -> None:
    case = policy_case(NAME, {"inboundHeaders": one("X-Env", "prod")})
    context = request(headers={"x-env": "theirs"})
    assert case.send(context) is None
    assert context.headers == [(b"x-env", b"theirs"), (b"x-env", b"prod")]


def test_outbound_headers_go_to_the_caller() -> None:
    case = policy_case(NAME, {"outboundHeaders": one("X-Served-By", "portico")})
    assert case.answer(request(), {"server": "nginx"}) == {"server": "nginx", "x-served-by": "portico"}


def test_content_type_and_allowed_origin_are_replaced() -> None:
    replaced = [*one("Content-Type", "text/csv"), *one("Access-Control-Allow-Origin", "https://a.example")]
    case = policy_case(NAME, {"inboundHeaders": one("content-type", "text/plain"), "outboundHeaders": replaced})
    context = request(headers={"content-type": "application/json"})
    case.send(context)
    assert context.headers == [(b"content-type", b"text/plain")]
    answer = case.answer(context, {"content-type": "text/html", "access-control-allow-origin": "*"})
    assert answer == {"content-type": "text/csv", "access-control-allow-origin": "https://a.example"}


def test_one_request_does_not_change_the_next() -> None:
    case = policy_case(NAME, {"inboundHeaders": one("x-env")})
    for _ in range(2):
        context = request()
        case.send(context)
        assert context.headers == [(b"x-env", b"x")]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "at least one"),
        ({"inboundHeaders": [], "outboundHeaders": []}, "at least one"),
        ({"inboundHeaders": one("Content-Length", "3")}, "sets “Content-Length” itself"),
        ({"outboundHeaders": one("transfer-encoding")}, "itself"),
        ({"inboundHeaders": one("Host")}, "itself"),
        ({"inboundHeaders": one("x-a", "1\r\nx-b: 2")}, "line breaks"),
        ({"inboundHeaders": one("x-a", "a\0")}, "line breaks"),
        ({"inboundHeaders": one("x a")}, "regex"),
        ({"inboundHeaders": one("", "x")}, "regex"),
        ({"inboundHeaders": one("x-a", "#['a\\r\\nx-b: 2']")}, "line breaks"),
        ({"inboundHeaders": one("x-a", "#[attributes.statusCode]")}, "belongs to the response"),
        ({"outboundHeaders": one("x-a", "#[attributes.method]")}, "belongs to the request"),
        ({"inboundHeaders": one("x-a", "#[payload]")}, "without the body"),
    ],
)
def test_unusable_settings_are_refused(config: dict, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, config)
    assert words in caught.value.message


def sent(value: str, headers: dict[str, str] | None = None, query: bytes = b"") -> RequestContext | Response:
    """Return the context after a request header with this value, or the refusal."""
    context = request(headers=headers)
    context.query = query
    return policy_case(NAME, {"inboundHeaders": one("X-Out", value)}).send(context) or context


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("#[attributes.headers['x-in']]", [b"17"]),
        ("order #[attributes.headers['x-in']] of #[attributes.headers['x-none']]", [b"order 17 of"]),
        ("#[attributes.headers['x-none']]", []),
        ("#[attributes.headers['x-none'] default 'none']", [b"none"]),
        ("#[' \t' ++ attributes.method ++ ' ']", [b"GET"]),
        ("#[sizeOf(attributes.headers['x-in'])]", [b"2"]),
        ("\\#[1]", [b"#[1]"]),
    ],
)
def test_an_expression_gives_the_value(value: str, expected: list[bytes]) -> None:
    context = sent(value, {"x-in": "17"})
    assert isinstance(context, RequestContext)
    assert [each for name, each in context.headers if name == b"x-out"] == expected


@pytest.mark.parametrize(
    "query", [b"a=1%0d%0ax-evil:%202", b"a=%0a", b"a=%0d", b"a=%00", b"a=x%0b", b"a=%7f", b"a=" + b"x" * 9_000]
)
@pytest.mark.parametrize("value", ["#[attributes.queryParams.a]", "a#[attributes.queryParams['a']]"])
def test_what_would_end_a_line_is_never_written(query: bytes, value: str) -> None:
    refusal = sent(value, query=query)
    assert isinstance(refusal, Response)
    assert (refusal.status, refusal.code) == (500, "header_injection_unsafe")


def test_bytes_of_the_wire_come_back_as_they_were() -> None:
    context = sent("#[attributes.headers['x-in']]", {"x-in": "\xff\xfe"})
    assert isinstance(context, RequestContext)
    assert context.headers[-1] == (b"x-out", b"\xff\xfe")


def test_an_expression_that_cannot_be_evaluated_ends_the_request() -> None:
    refusal = sent("#[toString(fromBase64(attributes.headers['x-in']), 'UTF-8')]", {"x-in": "!"})
    assert isinstance(refusal, Response)
    assert (refusal.status, refusal.code, refusal.policy) == (500, "header_injection_not_evaluated", NAME)


def test_a_header_of_the_answer_is_made_from_the_answer() -> None:
    case = policy_case(NAME, {"outboundHeaders": one("x-was", "#[attributes.statusCode] #[attributes.headers.server]")})
    assert case.answer(request(), {"server": "nginx"}, 201) == {"server": "nginx", "x-was": "201 nginx"}


def test_a_header_of_the_answer_that_cannot_be_made_takes_its_place() -> None:
    case = policy_case(NAME, {"outboundHeaders": one("x-was", "#[fromBase64(attributes.headers.server)]")})
    with pytest.raises(Refused) as caught:
        case.answer(request(), {"server": "!"})
    assert caught.value.response.code == "header_injection_not_evaluated"


def test_a_replaced_header_is_kept_where_an_expression_gives_nothing() -> None:
    config = {"inboundHeaders": one("content-type", "#[attributes.headers['x-type']]")}
    for headers, expected in (({}, b"text/csv"), ({"x-type": "text/plain"}, b"text/plain")):
        context = request(headers={"content-type": "text/csv", **headers})
        assert policy_case(NAME, config).send(context) is None
        assert [value for name, value in context.headers if name == b"content-type"] == [expected]
