import pytest

from gateway_runtime.expressions.limits import DEPTH, NODES
from gateway_runtime.expressions.parser import Parser
from gateway_runtime.expressions.scope import Scope
from gateway_runtime.expressions.types import ANY

from .kit import mistake
from .printing import printed


def shape(source: str) -> str:
    """Return an expression with brackets around everything that has parts."""
    return printed(Parser(source).read()[0])


@pytest.mark.parametrize(
    ("source", "same"),
    [
        ("a.b['c'][0]", "a['b']['c'][0]"),
        ("a.'b-c'.\"d\"", "a['b-c']['d']"),
        ("payload.default.if", "payload['default']['if']"),
        ("!a == b", "((!a) == b)"),
        ("not a == b", "(!(a == b))"),
        ("not a and b", "((!a) and b)"),
        ("not not a", "(!(!a))"),
        ("a < b == c > d", "((a < b) == (c > d))"),
        ("a or b and c", "(a or (b and c))"),
        ("a and b or c and d", "((a and b) or (c and d))"),
        ("a and b and c", "(a and b and c)"),
        ("a and (b and c)", "(a and (b and c))"),
        ("a default b or c", "(a default (b or c))"),
        ("a default b default c", "(a default b default c)"),
        ("a ++ b default c", "((a ++ b) default c)"),
        ("a default b ++ c", "((a default b) ++ c)"),
        ("a ++ b ++ c", "(a ++ b ++ c)"),
        ("a ++ b == c", "(a ++ (b == c))"),
        ("a splitBy ',' contains 'x'", "contains(splitBy(a, ','), 'x')"),
        ("a contains 'x' default b", "(contains(a, 'x') default b)"),
        ("if (a) b else c", "(if (a) b else c)"),
        ("if (a) b else if (c) d else e", "(if (a) b else (if (c) d else e))"),
        ("'x' ++ if (a) b else c ++ d", "('x' ++ (if (a) b else (c ++ d)))"),
        ("if (a) {b: 1} else {'c d': [1, 2,]}", "(if (a) {'b': 1} else {'c d': [1, 2]})"),
        ("dw::core::Strings::substringAfter(a, '/')", "substringAfter(a, '/')"),
        ("-1", "-1"),
        ("1 - 1", "(1 - 1)"),
        ("1 -1", "(1 - 1)"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("-a * -(1)", "((-a) * (-(1)))"),
        ("a + 1 < b == c", "(((a + 1) < b) == c)"),
        ("a as Number + 1", "((a as Number) + 1)"),
        ("!a is Null", "((!a) is Null)"),
        ("a.b?", "(a['b']?)"),
        ("not a.b? and c", "((!(a['b']?)) and c)"),
        ("a.is.as", "a['is']['as']"),
        ("a -- ['b'] ++ c", "((a -- ['b']) ++ c)"),
        ("a map $.b", "map(a, $['b'])"),
        ("a map $.b ++ c", "(map(a, $['b']) ++ c)"),
        ("a filter ($.b > 1) map $.c", "map(filter(a, ($['b'] > 1)), $['c'])"),
        ("a map (b) -> b ++ c", "map(a, (b) -> (b ++ c))"),
        ("a map ((b, c) -> b) filter d", "filter(map(a, (b, c) -> b), d)"),
        ("map(a, (b) -> b)", "map(a, (b) -> b)"),
        ("map(a, $)", "map(a, $)"),
        ("a reduce ((b, c = 0) -> b + c)", "reduce(a, (b, c = 0) -> (b + c))"),
        ("a pluck ((v, k, i) -> v)", "pluck(a, (v, k, i) -> v)"),
        ("a map (((b) -> b))", "map(a, (b) -> b)"),
        ("dw::Core::map(a, (b) -> b)", "map(a, (b) -> b)"),
        ("a replace 'b' with 'c' ++ d", "(replace(a, 'b', 'c') ++ d)"),
        ("{(a): 1, (b: 2) if c, ((d): 3) if (e)}", "{(a): 1, ('b': 2) if c, ((d): 3) if e}"),
        ("a[-1]", "a[-1]"),
    ],
)
def test_what_belongs_together(source: str, same: str) -> None:
    assert shape(source) == same
    assert shape(same) == same


@pytest.mark.parametrize(
    ("source", "code", "position", "words"),
    [
        ("#[]", "empty", 2, "missing here"),
        ("#[  ]", "empty", 4, "missing here"),
        ("#[", "empty", 2, "missing here"),
        ("#[payload", "unexpected_end", 9, "“]” is missing at the end"),
        ("#[payload 'x']", "unexpected", 10, "there is “'x'”"),
        ("#[(1]", "unexpected", 4, "“)” is missing"),
        ("#[1)]", "unexpected", 3, "“]” is missing at the end of the expression, there is “)”"),
        ("#[[1 2]]", "unexpected", 5, "“,” is missing or “]”"),
        ("#[{a 1}]", "unexpected", 5, "“:” is missing after the name"),
        ("#[{1: 1}]", "unexpected", 3, "A name is missing"),
        ("#[if true 1 else 2]", "unexpected", 5, "“(” is missing after “if”"),
        ("#[if (true) 1]", "unexpected", 13, "“else” is missing"),
        ("#[1 ==]", "unexpected", 6, "A value is missing"),
        ("#[payload.]", "unexpected", 10, "A name is missing after “.”"),
        ("#[payload.1]", "unexpected", 10, "A name is missing after “.”"),
        ("#[payload[0]", "unexpected_end", 12, "“]” is missing"),
        ("#[attributes.headers.x-key]", "unexpected", 22, "['x-key']"),
        ("#[attributes.headers.x-key-2]", "unexpected", 22, "['x-key']"),
        ("#[payload map]", "unexpected", 13, "A value is missing"),
        ("#[payload map () -> 1]", "wrong_arguments", 14, "takes one to 2 values"),
        ("#[payload map (a, b, c) -> 1]", "wrong_arguments", 14, "one to 2 values"),
        ("#[payload some ((a, b) -> true)]", "wrong_arguments", 16, "takes one value"),
        ("#[payload map (a, a) -> 1]", "name_taken", 18, "“a” already means something here"),
        ("#[payload map (payload) -> 1]", "name_taken", 15, "“payload”"),
        ("#[payload map (lower) -> 1]", "name_taken", 15, "“lower”"),
        ("#[payload map ($) -> 1]", "unexpected", 15, "A name is missing"),
        ("#[payload map (a = 1) -> 1]", "unexpected", 17, "“==”"),
        ("#[payload reduce (a, b = 1, c) -> 1]", "unexpected", 28, "“)” is missing"),
        ("#[map(payload)]", "unexpected", 13, "“,” is missing and a function"),
        ("#[$.a]", "unknown_name", 2, "payload map $.id"),
        ("#[(item) -> 1]", "unexpected", 9, "“->” stands only"),
        ("#[payload as Text]", "unknown_type", 13, "one of String, Number, Boolean"),
        ("#[payload is 1]", "unknown_type", 13, "one of String, Number, Boolean, Array"),
        ("#['a' replace 'b']", "unexpected", 17, "“with”"),
        ("#[{(a: 1)}]", "unexpected", 9, "“if” and a condition are missing"),
        ("#[{('a') 1}]", "unexpected", 7, "“:” is missing"),
        ("#[payload ++]", "unexpected", 12, "A value is missing"),
        ("#[lowr('a')]", "unknown_function", 2, "Did you mean “lower”?"),
        ("#[dw::core::String::lower('a')]", "unknown_function", 2, "Did you mean “lower”?"),
        ("#[lower()]", "wrong_arguments", 2, "“lower” takes one value: text."),
        ("#[lower('a', 'b')]", "wrong_arguments", 2, "one value"),
        ("#[splitBy('a')]", "wrong_arguments", 2, "“splitBy” takes 2 values: text, separator."),
        ("#[toString()]", "wrong_arguments", 2, "1 or 2 values: value, encoding"),
        ("#[uuid(1)]", "wrong_arguments", 2, "no values"),
        ("#['a' splitby ',']", "unexpected", 6, "Did you mean “splitBy”?"),
        ("#['a' lower 'b']", "unexpected", 6, "does not stand between two values"),
        ("#[true AND false]", "unexpected", 7, "Did you mean “and”?"),
    ],
)
def test_what_is_not_written_right(source: str, code: str, position: int, words: str) -> None:
    found = mistake(source)
    assert (found[0], found[2]) == (code, position), found
    assert words in found[1]


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "[" * 5000,
        "{a:" * 3000,
        "!" * 5000 + "true",
        "not " * 2000 + "true",
        "payload" + "[0]" * 3000,
        "payload" + ".a" * 3000,
        "if (true) 1 else " * 500 + "2",
        "if (" * 2000,
        "lower(" * 1500 + "'a'",
        "1 " + "== 1 " * 1900,
        "'a' " + "splitBy 'b' " * 800,
        "payload map " * 800 + "$",
        "payload map (" * 800,
        "payload map (a) -> " * 500,
        "{(" * 3000,
        "- " * 2000 + "a",
        "1 " + "+ 1 " * 1900,
        "1 " + "as Number " * 900,
        "payload " + "map $ " * 1500,
    ],
    ids=lambda source: source[:12],
)
def test_depth_is_bounded(source: str) -> None:
    assert mistake(f"#[{source}]")[0] in ("too_deep", "too_long")


def test_the_deepest_allowed_is_read() -> None:
    Parser("(" * (DEPTH - 1) + "1" + ")" * (DEPTH - 1)).read()
    assert mistake("#[" + "(" * DEPTH + "1" + ")" * DEPTH + "]")[0] == "too_deep"


def test_size_is_bounded() -> None:
    assert mistake(f"#['a'{' ++ 1' * NODES}]")[0] == "too_long"
    assert mistake(f"#[[{'1,' * NODES}]]")[0] == "too_long"
    assert mistake("#['" + "a" * 10_000 + "']")[0] == "too_long"


@pytest.mark.parametrize(
    "source",
    [
        "#[{name}]", "#[{name}()]", "#[attributes.{name}]", "#[1 {name} 2]", "#[1 == 1 '{name}']", "#[{a: 1}.{name}]",
    ],
)  # fmt: skip
def test_sentences_stay_short(source: str) -> None:
    sentence = mistake(source.replace("{name}", "a" * 5000), scope=Scope(variables={"claimSet": ANY}))[1]
    assert len(sentence) < 300


def test_signs_that_cannot_be_seen_are_not_in_sentences() -> None:
    sentence = mistake("#[attributes['\x1b[31m\u202e\n']]")[1]
    assert sentence.isprintable()
    assert "\ufffd[31m\ufffd\ufffd" in sentence
