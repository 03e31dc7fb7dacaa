import pytest

from .kit import evaluate, mistake


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'a'", "a"), ('"a"', "a"), ("`a`", "a"), (r"'it\'s'", "it's"), ('"it\'s"', "it's"),
        (r"'a\nb\tc\rd\be\ff\/g\\h'", "a\nb\tc\rd\be\ff/g\\h"), (r"'\u00e9\u20AC'", "é€"), ("'$5'", "$5"),
        (r"'\$(x)'", "$(x)"), ("'é😀'", "é😀"), ("''", ""), ("'#[a]'", "#[a]"), ("']'", "]"), ("'\n'", "\n"),
        ("0", 0), ("17", 17), ("1.5", 1.5), ("1e3", 1000.0), ("2E-2", 0.02), ("-3", -3), ("007", 7),
        ("9007199254740992", 2**53), ("9007199254740993", float(2**53)),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("true", True), ("false", False), ("null", None),
        ("/* a [ ' */ 1 // b ]\n", 1), ("1 /**/", 1), ("/***/1", 1),
    ],
)  # fmt: skip
def test_what_is_written_out(written: str, value: object) -> None:
    found = evaluate(written)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("source", "code", "position", "words"),
    [
        ("#['abc", "not_closed", 2, "Write ' after it"),
        ('#[lower("abc]', "not_closed", 8, 'Write " after it'),
        ("#[1 /* x", "not_closed", 4, "“*/”"),
        (r"#['a\q']", "bad_escape", 4, "backslash"),
        ("#['a\\", "bad_escape", 4, "backslash"),
        (r"#['\u12g4']", "bad_escape", 3, "four hexadecimal digits"),
        (r"#['\ud83d\ude00']", "bad_escape", 3, "Half of a pair"),
        ("#['a $(payload)']", "no_interpolation", 5, "“++”"),
        ("#[1e999]", "number_too_large", 2, "64-bit"),
        ("#[1 = 1]", "unexpected", 4, "“==”"),
        ("#[true && false]", "unknown_sign", 7, "“and”"),
        ("#[true || false]", "unknown_sign", 7, "“or”"),
        ("#['a' + 'b']", "wrong_type", 6, "“++”"),
        ("#[1 ? 2 : 3]", "unexpected", 4, "if (…)"),
        ("#[1 -> 2]", "unexpected", 4, "map ((item) -> item.id)"),
        ("#[payload.a ~= 1]", "unknown_sign", 12, "“==”"),
        ("#[attributés.method]", "unknown_sign", 10, "“é”"),
        ("#[\u0430ttributes.method]", "unknown_sign", 2, "“\u0430”"),
        ("#[1\u00a0]", "unknown_sign", 3, "U+00A0"),
        ("#[1\x00]", "unknown_sign", 3, "U+0000"),
        ("#[\u0661]", "unknown_sign", 2, "“\u0661”"),
    ],
)
def test_what_is_no_token(source: str, code: str, position: int, words: str) -> None:
    found = mistake(source)
    assert (found[0], found[2]) == (code, position)
    assert words in found[1]
