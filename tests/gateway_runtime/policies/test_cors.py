from typing import Any

import pytest

from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request

NAME = "cors"
SHOP = "https://shop.example"
SHOP_GROUP: dict[str, Any] = {
    "origins": [SHOP, "http://localhost:3000"],
    "accessControlMaxAge": 600,
    "allowedMethods": [
        {"methodName": "GET", "isAllowed": True},
        {"methodName": "PUT"},
        {"methodName": "DELETE", "isAllowed": False},
    ],
    "headers": ["content-type", "x-cart"],
    "exposedHeaders": ["x-total"],
}
EVERYBODY: dict[str, Any] = {"origins": ["*"], "headers": ["*"]}
ALL_METHODS = "CONNECT, DELETE, GET, OPTIONS, PATCH, POST, PUT, TRACE"
VARY_PREFLIGHT = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def grouped(*groups: dict[str, Any], **more: Any) -> PolicyCase:
    return policy_case(NAME, {"publicResource": False, "originGroups": list(groups), **more})


def preflight(case: PolicyCase, **headers: str) -> dict[str, str]:
    """Return the headers of the answer to an OPTIONS request, which never goes on."""
    sent = {f"access-control-request-{name}" if name != "origin" else name: value for name, value in headers.items()}
    answer = case.send(request("OPTIONS", headers=sent))
    assert answer is not None
    assert (answer.status, answer.body, answer.code, answer.policy) == (200, b"", "", "")
    found = {name.decode(): value.decode() for name, value in answer.headers}
    assert len(found) == len(answer.headers)
    assert found.pop("vary") == VARY_PREFLIGHT
    return found


def actual(case: PolicyCase, origin: str | None, answered: dict[str, str] | None = None) -> dict[str, str]:
    """Return what the answer of a backend carries after the policy."""
    context = request("GET", headers={} if origin is None else {"origin": origin})
    assert case.send(context) is None
    return case.answer(context, answered)


def test_a_public_resource_mirrors_what_a_preflight_asks_for() -> None:
    assert preflight(policy_case(NAME, {}), origin="https://a.example", method="PUT", headers="x-a, x-b") == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "PUT",
        "access-control-allow-headers": "x-a, x-b",
        "access-control-max-age": "30",
    }


@pytest.mark.parametrize("origin", ["https://a.example", "null"])
def test_a_public_resource_answers_every_origin(origin: str) -> None:
    assert actual(policy_case(NAME, {}), origin) == {"access-control-allow-origin": "*", "vary": "Origin"}


@pytest.mark.parametrize(("method", "headers"), [("A B", "x"), ("PU(T", "x"), ("PUT", "x:y"), ("PUT", "x" * 4001)])
def test_what_is_no_method_or_header_name_is_not_mirrored(method: str, headers: str) -> None:
    found = preflight(policy_case(NAME, {}), origin=SHOP, method=method, headers=headers)
    assert len(found) == 3


def test_a_group_says_what_its_origins_may_do() -> None:
    assert preflight(grouped(SHOP_GROUP), origin=SHOP, method="DELETE", headers="x-other") == {
        "access-control-allow-origin": SHOP,
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "content-type, x-cart",
        "access-control-max-age": "600",
    }
    assert actual(grouped(SHOP_GROUP), SHOP, {"x-total": "1"}) == {
        "x-total": "1",
        "access-control-allow-origin": SHOP,
        "access-control-expose-headers": "x-total",
        "vary": "Origin",
    }


def test_a_group_that_lists_no_methods_allows_the_documented_ones() -> None:
    found = preflight(grouped({"origins": [SHOP]}), origin=SHOP, method="GET")
    assert found == {
        "access-control-allow-origin": SHOP,
        "access-control-allow-methods": ALL_METHODS,
        "access-control-max-age": "30",
    }


def test_a_group_whose_methods_are_all_forbidden_allows_none() -> None:
    group = {"origins": [SHOP], "allowedMethods": [{"methodName": "GET", "isAllowed": False}]}
    assert "access-control-allow-methods" not in preflight(grouped(group), origin=SHOP, method="GET")


def test_credentials_are_told_in_both_answers() -> None:
    case = grouped(SHOP_GROUP, supportCredentials=True)
    assert preflight(case, origin=SHOP, method="GET")["access-control-allow-credentials"] == "true"
    assert actual(case, SHOP)["access-control-allow-credentials"] == "true"
    assert actual(case, "https://evil.example") == {"vary": "Origin"}


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        ("https://shop.example", True),
        ("https://shop.example:443", True),
        ("HTTPS://Shop.Example", True),
        ("http://localhost:3000", True),
        ("http://shop.example", False),
        ("https://shop.example:444", False),
        ("http://localhost", False),
        ("http://localhost:03000", True),
        ("http://localhost:30000", False),
        ("https://shop.example.evil.example", False),
        ("https://evil-shop.example", False),
        ("https://shop.example/", False),
        ("https://shop.example@evil.example", False),
        ("https://shop.example evil", False),
        ("null", False),
        ("", False),
        ("*", False),
        ("\xff", False),
    ],
)
def test_origins_are_equal_in_scheme_host_and_port(origin: str, accepted: bool) -> None:
    expected = {"access-control-allow-origin": origin, "access-control-expose-headers": "x-total"} if accepted else {}
    found = actual(grouped(SHOP_GROUP), origin)
    assert found == {**expected, "vary": "Origin"}
    assert ("access-control-allow-origin" in preflight(grouped(SHOP_GROUP), origin=origin, method="GET")) is accepted


def test_a_named_origin_comes_before_every_origin_wherever_it_stands() -> None:
    for groups in ((EVERYBODY, SHOP_GROUP), (SHOP_GROUP, EVERYBODY)):
        case = grouped(*groups)
        assert preflight(case, origin=SHOP, method="GET")["access-control-allow-headers"] == "content-type, x-cart"
        other = preflight(case, origin="https://a.example", method="GET", headers="x-a")
        assert other["access-control-allow-origin"] == "*"
        assert other["access-control-allow-headers"] == "x-a"


def test_an_options_request_that_is_no_preflight_is_answered_without_cors_headers() -> None:
    assert preflight(grouped(SHOP_GROUP)) == {}
    assert preflight(grouped(SHOP_GROUP), method="GET") == {}
    assert preflight(policy_case(NAME, {})) == {}


def test_two_origins_are_none() -> None:
    context = request(headers=[("origin", SHOP), ("origin", SHOP)])
    case = grouped(SHOP_GROUP)
    assert case.send(context) is None
    assert case.answer(context) == {"vary": "Origin"}


@pytest.mark.parametrize("origin", [None, "https://evil.example"])
def test_what_the_backend_says_about_origins_is_taken_away(origin: str | None) -> None:
    answered = {"Access-Control-Allow-Origin": "*", "access-control-allow-credentials": "true", "x-a": "1"}
    assert actual(grouped(SHOP_GROUP), origin, answered) == {"x-a": "1", "vary": "Origin"}


@pytest.mark.parametrize(
    ("vary", "expected"),
    [
        ("accept", ["accept", "Origin"]),
        ("accept, origin", ["accept, origin"]),
        ("*", ["*"]),
        ("X-Origin", ["X-Origin", "Origin"]),
    ],
)
def test_vary_names_the_origin_once(vary: str, expected: list[str]) -> None:
    case = grouped(SHOP_GROUP)
    context = request()
    case.send(context)
    context.response_headers = [(b"vary", vary.encode())]
    case.chain.run_response(context)
    assert [value.decode() for name, value in context.response_headers if name == b"vary"] == expected


def test_answers_to_preflights_are_remembered_but_not_without_end() -> None:
    case = policy_case(NAME, {})
    asked = {"origin": SHOP, "access-control-request-method": "PUT"}
    assert case.send(request("OPTIONS", headers=asked)) is case.send(request("OPTIONS", headers=asked))
    for number in range(1000):
        other = preflight(case, origin=f"https://{number}.example", method=f"M{number}")
        assert other["access-control-allow-methods"] == f"M{number}"
    late = {"origin": "https://late.example", "access-control-request-method": "PUT"}
    assert case.send(request("OPTIONS", headers=late)) is not case.send(request("OPTIONS", headers=late))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"originGroups": [EVERYBODY]}, "Set publicResource to false"),
        ({"supportCredentials": True}, "A public resource cannot support credentials"),
        ({"publicResource": False, "supportCredentials": True, "originGroups": [EVERYBODY]}, "instead of “*”"),
        ({"publicResource": False, "originGroups": [SHOP_GROUP, {"origins": [SHOP + ":443"]}]}, "is listed twice"),
        ({"publicResource": False, "originGroups": [{"origins": []}]}, "length"),
        ({"publicResource": False, "originGroups": [{"origins": ["shop.example"]}]}, "is not an origin"),
        ({"publicResource": False, "originGroups": [{"origins": ["https://a.example/"]}]}, "is not an origin"),
        ({"publicResource": False, "originGroups": [{"origins": ["https://*.example"]}]}, "is not an origin"),
        ({"publicResource": False, "originGroups": [{"origins": ["https://a:99999"]}]}, "is not an origin"),
        ({"publicResource": False, "originGroups": [{"origins": ["null"]}]}, "is not an origin"),
        ({"publicResource": False, "originGroups": [{"origins": [SHOP], "headers": ["x a"]}]}, "regex"),
        ({"publicResource": False, "originGroups": [{"origins": [SHOP], "accessControlMaxAge": -1}]}, "Use 0 or more."),
        (
            {"publicResource": False, "originGroups": [{"origins": [SHOP], "allowedMethods": [{"methodName": "get"}]}]},
            "Invalid enum value",
        ),
    ],
)
def test_unusable_settings_are_refused(config: dict, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, config)
    assert words in caught.value.message
