"""Functions with functions: what they give, what they refuse, and that they end."""

from typing import Any

import pytest

from gateway_runtime.expressions.given import Given
from gateway_runtime.expressions.limits import LIST_LENGTH
from gateway_runtime.expressions.loops import LOOPS

from .kit import evaluate, failure, mistake

SHOP = {
    "items": [
        {"sku": "a", "price": 5, "tags": ["x", "y"]},
        {"sku": "b", "price": 50, "tags": []},
        {"sku": "c", "price": 7.5, "tags": ["x"]},
    ],
    "rates": {"de": 19, "fr": 20},
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("payload.items map $.sku", ["a", "b", "c"]),
        ("payload.items map ((item) -> item.sku)", ["a", "b", "c"]),
        ("payload.items map (item, index) -> {n: index, sku: item.sku}",
         [{"n": 0, "sku": "a"}, {"n": 1, "sku": "b"}, {"n": 2, "sku": "c"}]),
        ("payload.items map $$", [0, 1, 2]),
        ("map(payload.items, (item) -> item.price)", [5, 50, 7.5]),
        ("payload.items filter ($.price > 6) map $.sku", ["b", "c"]),
        ("payload.items filter $.price > 6", SHOP["items"][1:]),
        ("payload.items filter ((item, index) -> index == 1)", [SHOP["items"][1]]),
        ("payload.items reduce ((item, total = 0) -> total + item.price)", 62.5),
        ("[1, 2, 3] reduce ($$ + $)", 6),
        ("[] reduce ((item, total) -> total + item)", None),
        ("[7] reduce ((item, total) -> total + item)", 7),
        ("[1, 2] reduce ((item, so_far = []) -> [item] ++ so_far)", [2, 1]),
        ("payload.items flatMap $.tags", ["x", "y", "x"]),
        ("payload.items distinctBy $.price > 6", SHOP["items"][:2]),
        ("[1, 1.0, true, '1', null, {a: 1}, {a: 1}] distinctBy $", [1, True, "1", None, {"a": 1}]),
        ("payload.items groupBy (if ($.price > 6) 'dear' else 'cheap') mapObject {($$): sizeOf($)}",
         {"cheap": 1, "dear": 2}),
        ("[1, 2, 1] groupBy $", {"1": [1, 1], "2": [2]}),
        ("(payload.items orderBy -$.price) map $.sku", ["b", "c", "a"]),
        ("['b', 'a'] orderBy $", ["a", "b"]),
        ("payload.items some $.price > 40", True),
        ("payload.items every ($.price > 40)", False),
        ("[] every false", True),
        ("[] some true", False),
        ("payload.rates mapObject ((value, key, index) -> {(upper(key)): value / 100})", {"DE": 0.19, "FR": 0.2}),
        ("payload.rates filterObject ($ > 19)", {"fr": 20}),
        ("payload.rates filterObject ((value, key) -> key != 'fr')", {"de": 19}),
        ("payload.rates pluck ((value, key, index) -> key ++ index)", ["de0", "fr1"]),
        ("payload.rates pluck $", [19, 20]),
        ("payload.items map ((item) -> item.tags map ((tag) -> item.sku ++ tag))", [["ax", "ay"], [], ["cx"]]),
        ("payload.items map ($.tags map $)", [["x", "y"], [], ["x"]]),
        ("payload.none map $.a", None),
        ("payload.none filter $.a", None),
        ("payload.none reduce ($ + $$)", None),
        ("payload.none mapObject {('a'): $}", None),
        ("payload.none some $.a", False),
        ("payload.none every $.a", True),
    ],
)  # fmt: skip
def test_what_loops_give(source: str, value: Any) -> None:
    assert evaluate(source, given=Given(payload=SHOP)) == value


@pytest.mark.parametrize(
    ("source", "payload", "code"),
    [
        ("payload map $", {}, "wrong_type"),
        ("payload map $", "text", "wrong_type"),
        ("payload mapObject {a: $}", [], "wrong_type"),
        ("payload filter $", [1], "wrong_type"),
        ("payload filter $", [None], "null_value"),
        ("payload mapObject $", {"a": 1}, "wrong_type"),
        ("payload flatMap $", [1], "wrong_type"),
        ("payload groupBy $", [[]], "wrong_type"),
        ("payload groupBy $", [None], "null_value"),
        ("payload orderBy $", [1, "a"], "wrong_type"),
        ("payload orderBy $", [None, None], "null_value"),
        ("payload orderBy $", [True], "wrong_type"),
        ("payload distinctBy $", [["\udcff"]], "not_json"),
        ("payload map $", [1] * (LIST_LENGTH + 1), "too_large"),
        ("payload filter true", [1] * (LIST_LENGTH + 1), "too_large"),
        ("payload flatMap $", [[1] * 101] * 100, "too_large"),
    ],
)
def test_values_that_do_not_fit_fail_when_they_come(source: str, payload: Any, code: str) -> None:
    assert failure(source, given=Given(payload=payload)) == code


@pytest.mark.parametrize(
    ("source", "code", "position", "words"),
    [
        ("#['a' map $]", "wrong_type", 2, "“map” goes through a list, but this gives a text"),
        ("#[[1] mapObject $]", "wrong_type", 2, "“mapObject” goes through an object"),
        ("#[[1] filter $]", "wrong_type", 13, "“filter” does with each part gives true or false, but this gives a num"),
        ("#[[1] map lower([])]", "wrong_type", 16, "The text of “lower”"),
        ("#[[1] map ($.a)]", "no_such_part", 13, "a number, which has no parts"),
        ("#[{a: 1} mapObject ((v, k) -> k)]", "wrong_type", 30, "gives an object, but this gives a text"),
        ("#[[1] map (item) -> itme]", "unknown_name", 20, "Did you mean “item”?"),
        ("#[([1] map (item) -> 1) ++ [item]]", "unknown_name", 28, "There is no “item”"),
        ("#[payload.items Map $]", "unexpected", 16, "Did you mean “map”?"),
        ("#[map]", "unknown_name", 2, "“map” is a function"),
    ],
)
def test_mistakes_are_refused_at_their_place(source: str, code: str, position: int, words: str) -> None:
    found = mistake(source)
    assert (found[0], found[2]) == (code, position), found
    assert words in found[1]


def test_a_name_is_known_in_its_own_function_only() -> None:
    source = "[payload map ((a) -> payload map ((a) -> a ++ 1)), payload map ((a) -> a)]"
    assert evaluate(source, given=Given(payload=["x"])) == [[["x1"]], ["x"]]


def test_what_one_evaluation_has_seen_is_not_in_the_next() -> None:
    from gateway_runtime.expressions.expression import compile_setting
    from gateway_runtime.schema.expression import Gives

    from .kit import WIDE, message

    expression = compile_setting("#[payload map ((item) -> item.a default null)]", WIDE, Gives.ANY)
    assert expression.evaluate(message(), Given(payload=[{"a": 1}])) == [1]
    assert expression.evaluate(message(), Given(payload=[{}])) == [None]


def test_every_loop_is_tried_here() -> None:
    tried = " ".join(mark.args[1][0][0] + str(mark.args[1]) for mark in test_what_loops_give.pytestmark)  # type: ignore[attr-defined]
    assert not [name for name in LOOPS if name not in tried]
