import pytest

from gateway_runtime.policies.conditions import compile_condition
from gateway_runtime.schema.document import Rule
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import request


def holds(rule: Rule, **more: object) -> bool:
    condition = compile_condition([rule], "policies[0]")
    assert condition is not None
    context = request(**more)  # type: ignore[arg-type]
    context.host = b"api.example"
    return condition(context)


def test_no_rules_hold_always() -> None:
    assert compile_condition([], "policies[0]") is None
    assert compile_condition([Rule()], "policies[0]") is None


@pytest.mark.parametrize(
    ("rule", "more", "expected"),
    [
        (Rule(methods="GET|POST"), {"method": "POST"}, True),
        (Rule(methods="GET|POST"), {"method": "POSTS"}, False),
        (Rule(path="/orders/.*"), {"path": "/orders/1"}, True),
        (Rule(path="/orders"), {"path": "/orders/1"}, False),
        (Rule(path="/orders"), {"path": "/orders;x=1"}, True),
        (Rule(path="/orders"), {"path": "/orders%3Bx"}, True),
        (Rule(path="/orders/a@b"), {"path": "/orders/a%40b"}, True),
        (Rule(path="/orders/a%40b"), {"path": "/orders/a%40b"}, True),
        (Rule(path="/orders"), {"path": "/orders/;x"}, False),
        (Rule(host="api\\.example"), {}, True),
        (Rule(host="example"), {}, False),
        (Rule(headers={"X-Kind": "a|b"}), {"headers": {"x-kind": "b"}}, True),
        (Rule(headers={"X-Kind": "a|b"}), {"headers": {}}, False),
        (Rule(headers={"X-Kind": ".*"}), {"headers": {"x-kind": "\xff\xfe"}}, True),
    ],
)
def test_rules(rule: Rule, more: dict, expected: bool) -> None:
    assert holds(rule, **more) is expected


def test_one_of_several_rules_is_enough() -> None:
    condition = compile_condition([Rule(path="/a"), Rule(path="/b")], "policies[0]")
    assert condition is not None
    assert [condition(request(path=path)) for path in ("/a", "/b", "/c")] == [True, True, False]


def test_bad_pattern_is_refused_with_its_place() -> None:
    with pytest.raises(ConfigFault) as caught:
        compile_condition([Rule(host="(")], "policies[2]")
    assert caught.value.code == "invalid_pattern"
    assert caught.value.path == "policies[2].rules.host"
