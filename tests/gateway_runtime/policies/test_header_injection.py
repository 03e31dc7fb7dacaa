import pytest

from gateway_runtime.schema.faults import ConfigFault

from .kit import policy_case, request

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
        ({"inboundHeaders": one("x-a", "#[attributes.method]")}, "not expressions"),
    ],
)
def test_unusable_settings_are_refused(config: dict, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, config)
    assert words in caught.value.message
