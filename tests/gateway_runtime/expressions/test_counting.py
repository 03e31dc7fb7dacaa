"""An evaluation ends after a known amount of work, whatever is sent and whatever the expression says."""

import time
from typing import Any

import pytest

from gateway_runtime.expressions.errors import Failure
from gateway_runtime.expressions.expression import Expression, compile_setting
from gateway_runtime.expressions.given import Given
from gateway_runtime.schema.expression import Gives

from .kit import WIDE, evaluate, failure, message

NUMBERS = [*range(3_000)]
TEXTS = ["a" * 1_000] * 900
SAME = {"list": [[1, 2, 3]] * 2_000}


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        ("payload map (payload map $)", NUMBERS),
        ("payload map ((a) -> payload filter ((b) -> a == b))", NUMBERS),
        ("payload reduce ((item, made = []) -> made ++ [item])", NUMBERS),
        ("payload reduce ((item, made = '') -> made ++ item)", TEXTS),
        ("payload map ((a) -> payload contains a)", NUMBERS),
        ("payload map (payload -- payload)", NUMBERS),
        ("payload -- payload", NUMBERS),
        ("payload map (payload joinBy ',')", NUMBERS),
        ("payload map upper(payload joinBy ',')", TEXTS),
        ("payload map (payload distinctBy $)", NUMBERS),
        ("payload map (payload.a)", [{"a": 1}] * 3_000),
        ("payload map (payload.a?)", [{"a": 1}] * 3_000),
        ("payload.list map (payload == payload)", SAME),
        ("payload.list map (payload.list contains {a: 1})", SAME),
        ("payload map write(payload)", NUMBERS),
        ("payload map read(write(payload))", NUMBERS),
        ("payload map (payload orderBy -$)", NUMBERS),
        ("payload map (write(payload) splitBy ',')", NUMBERS),
        ("payload map (payload - $)", NUMBERS),
        ("payload map sum(payload)", NUMBERS),
        ("payload map flatten([payload, payload])", NUMBERS),
        ("payload map (((payload joinBy '') as String) replace '1' with '22')", NUMBERS),
        ("payload map (payload groupBy $)", NUMBERS),
        ("payload map ({a: payload} ++ {b: payload}).a", NUMBERS[:1] * 2_000 + ["x"]),
    ],
)
def test_a_loop_in_a_loop_ends(source: str, payload: Any) -> None:
    expression = compiled(source)
    started = time.process_time()
    result = expression.evaluate(message(), Given(payload=payload))
    assert time.process_time() - started < 1.5
    if isinstance(result, Failure):
        assert result.code in ("too_many_steps", "too_large", "wrong_type")


def compiled(source: str) -> Expression:
    return compile_setting(f"#[{source}]", WIDE, Gives.ANY)


def test_comparing_a_large_body_again_and_again_ends() -> None:
    body = {"list": [[0, {"a": "b"}]] * 9_000}
    other = {"list": [[0, {"a": "b"}]] * 8_999 + [[1]]}
    source = " or ".join(["payload == vars.any"] * 90)
    assert failure(source, given=Given(payload=body, vars={"any": other})) == "too_many_steps"


def test_a_result_that_refers_to_the_same_value_often_is_not_written() -> None:
    source = "write([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17] map payload)"
    assert failure(source, given=Given(payload=["a" * 1_000_000])) == "too_large"
    doubled = "write(payload reduce ((item, made = []) -> [made, made]))"
    assert failure(doubled, given=Given(payload=NUMBERS)) in ("too_large", "not_json")
    deep = "write(payload reduce ((item, made = {}) -> {next: made}))"
    assert failure(deep, given=Given(payload=NUMBERS)) == "not_json"


def test_a_long_expression_without_a_body_is_counted_too() -> None:
    many = " or ".join(["vars.any == vars.claimSet"] * 60)
    body = {"list": [[0]] * 9_000}
    given = Given(vars={"any": body, "claimSet": {"list": [[0]] * 8_999 + [[1]]}})
    assert failure(many, given=given) == "too_many_steps"


def test_an_honest_transformation_of_a_large_body_is_within_the_steps() -> None:
    items = [{"id": n, "name": f"name {n}", "price": n / 7, "tags": ["a", "b"]} for n in range(6_000)]
    source = """payload.items filter ($.price > 1) map ((item, index) -> {
        number: index, id: item.id as String, title: upper(item.name), price: item.price * 1.19
    })"""
    made = evaluate(source, given=Given(payload={"items": items}))
    assert len(made) == 5_992
    assert made[0] == {"number": 0, "id": "8", "title": "NAME 8", "price": 8 / 7 * 1.19}


def test_evaluations_do_not_share_their_steps() -> None:
    expression = compiled("payload map (payload map $)")
    for _ in range(50):
        assert not isinstance(expression.evaluate(message(), Given(payload=NUMBERS[:300])), Failure)
