"""JSON threat protection: which bodies are looked at, what each limit counts, and that nothing brings it down."""

import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway_runtime.policies.json_threat_protection_limits import Limits
from gateway_runtime.policies.json_threat_protection_reading import fault_of
from gateway_runtime.policies.json_threat_protection_scanner import scan
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import SentRequest, policy_case, request

JSON = {"content-type": "application/json"}
NO_LIMITS = Limits(depth=-1, entries=-1, name=-1, elements=-1, string=-1)


def posted(body: bytes | str, headers: Any = JSON) -> SentRequest:
    return request("POST", "/orders", headers, body=body.encode() if isinstance(body, str) else body)


def code(config: dict[str, Any], body: bytes | str, headers: Any = JSON) -> str | None:
    refused = policy_case("json-threat-protection", config).send(posted(body, headers))
    if refused is None:
        return None
    assert (refused.status, refused.policy) == (400, "json-threat-protection")
    return refused.code


@pytest.mark.parametrize(
    ("setting", "limit", "within", "beyond", "refusal"),
    [
        ("maxContainerDepth", 3, '{"a":[{"b":"x"}]}', '{"a":[{"b":[]}]}', "json_too_deep"),
        ("maxContainerDepth", 1, "[1]", "[[]]", "json_too_deep"),
        ("maxContainerDepth", 0, '"x"', "{}", "json_too_deep"),
        ("maxObjectEntryCount", 2, '[{"a":1,"b":2}]', '[{"a":1,"b":2,"c":3}]', "json_too_many_entries"),
        ("maxObjectEntryCount", 0, "{}", '{"a":1}', "json_too_many_entries"),
        ("maxObjectEntryNameLength", 3, '{"abc":1}', '{"abcd":1}', "json_name_too_long"),
        ("maxObjectEntryNameLength", 0, '{"":1}', '{"a":1}', "json_name_too_long"),
        ("maxArrayElementCount", 2, '{"a":[1,2]}', '{"a":[1,2,3]}', "json_too_many_elements"),
        ("maxStringValueLength", 3, '["abc"]', '["abcd"]', "json_string_too_long"),
        ("maxStringValueLength", 3, '"abc"', '"abcd"', "json_string_too_long"),
        ("maxStringValueLength", 3, '{"a-long-name":"abc"}', '{"a":"abcd"}', "json_string_too_long"),
    ],
)
def test_a_limit_holds_to_the_last(setting: str, limit: int, within: str, beyond: str, refusal: str) -> None:
    assert code({setting: limit}, within) is None
    assert code({setting: limit}, beyond) == refusal
    assert code({setting: -1}, beyond) is None
    assert code({}, beyond) is None


@pytest.mark.parametrize(
    "text", ['"\u00e9\u00e9\u00e9"', r'"\u00e9\u00e9\u00e9"', '"\U0001f600\U0001f600\U0001f600"', r'"\ud83d\ude00\n\""']
)
def test_characters_are_counted_and_not_their_bytes_or_escapes(text: str) -> None:
    assert code({"maxStringValueLength": 3}, text) is None
    assert code({"maxStringValueLength": 2}, text) == "json_string_too_long"


@pytest.mark.parametrize("between", ["", " ", "\t", "\n", "\r"])
def test_a_name_that_is_there_twice_counts_twice_and_hides_nothing(between: str) -> None:
    twice = f'{{"a"{between}:[[]],"a"{between}:1,"b":2}}'
    assert code({"maxObjectEntryCount": 2}, twice) == "json_too_many_entries"
    assert code({"maxContainerDepth": 2}, twice) == "json_too_deep"
    assert code({"maxStringValueLength": 1}, f'{{"a"{between}:"long","a"{between}:"x"}}') == "json_string_too_long"
    assert code({"maxObjectEntryCount": 1}, f'{{"a" :1,"a":1}}{between}') == "json_too_many_entries"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[1,]", b"{'a':1}", b'{"a":1,}', b'{"a"}', b"[1 2]", b"1 2", b'{"a":1}{"b":2}', b"]", b"nul",
        b"NaN", b"Infinity", b"-Infinity", b"01", b"1.", b".5", b"+1", b"1e", b"0x10", b'"a', b'"\x01"', b'"\\x"',
        b'"\\u12"', b"// a\n1", b"\xff", b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"), '{"a":1}'.encode("utf-16-le"), '{"a":1}'.encode("utf-32"), b"\x00",
        b"   ", b"\x0b1", "\u00a01".encode(),
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused_whatever_the_limits(body: bytes) -> None:
    assert code({}, body) == (None if body == b"" else "json_malformed")


@pytest.mark.parametrize("number", ["1e999", "-1e-999", "1" * 5000, "0." + "1" * 5000, "-0", "9" * 100_000 + "e9"])
def test_numbers_may_be_of_any_size(number: str) -> None:
    assert code({}, f"[{number}]") is None


def test_half_of_a_surrogate_pair_is_a_character_as_the_grammar_has_it() -> None:
    assert code({"maxStringValueLength": 1}, r'"\ud800"') is None
    assert code({"maxStringValueLength": 1}, r'"\ud800x"') == "json_string_too_long"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/json"},
        {"content-type": "Application/JSON; charset=utf-8"},
        {"content-type": "application/problem+json"},
        {"content-type": "text/json"},
        {"content-type": " application/json "},
        [("content-type", "text/plain"), ("content-type", "application/json")],
    ],
)
def test_bodies_that_count_as_json(headers: Any) -> None:
    assert code({"maxContainerDepth": 1}, "[[]]", headers) == "json_too_deep"


@pytest.mark.parametrize("type_", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "", "json"])
def test_other_bodies_pass_unread(type_: str) -> None:
    context = posted("[[", {"content-type": type_})
    assert policy_case("json-threat-protection", {"maxContainerDepth": 1}).send(context) is None
    assert context.body is None


def test_a_request_without_body_is_not_waited_for() -> None:
    context = posted(b"")
    assert policy_case("json-threat-protection").send(context) is None
    assert context.body is None


def test_a_body_of_unknown_length_is_read() -> None:
    context = posted("[[]]")
    context.body_length = -1
    refused = policy_case("json-threat-protection", {"maxContainerDepth": 1}).send(context)
    assert refused is not None
    empty = posted("")
    empty.body_length = -1
    assert policy_case("json-threat-protection", {"maxContainerDepth": 1}).send(empty) is None


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "identity, gzip"])
def test_a_compressed_body_is_refused(encoding: str) -> None:
    assert code({}, "{}", {**JSON, "content-encoding": encoding}) == "json_encoded"
    assert code({}, "{}", {**JSON, "content-encoding": "identity"}) is None
    assert code({}, "{}", {"content-type": "text/plain", "content-encoding": encoding}) is None


MILLION = 1_000_000


@pytest.mark.parametrize(
    ("body", "unlimited"),
    [
        (b"[" * MILLION, "json_malformed"),
        (b"[" * MILLION + b"]" * MILLION, ""),
        (b'{"a":' * MILLION, "json_malformed"),
        (b'{"a":[' * 50_000 + b"1" + b"]}" * 50_000, ""),
        (b"[" * 2_000 + b'"\\ud83d\\ude00"' + b"]" * 2_000, ""),
        (b"[" * 2_000 + b'{"a":1,"a":[true,false,null,-1.5e+9,{},[]]}' + b"]" * 2_000, ""),
    ],
)
def test_a_million_brackets_take_no_stack_and_no_long_time(body: bytes, unlimited: str) -> None:
    started = time.process_time()
    assert fault_of(body, Limits(depth=100, entries=-1, name=-1, elements=-1, string=-1)) == "json_too_deep"
    assert time.process_time() - started < 1
    assert fault_of(body, NO_LIMITS) == unlimited
    assert time.process_time() - started < 30


@pytest.mark.parametrize("levels", [400, 600, 900, 950, 1_000, 1_050, 2_000])
def test_a_deep_limit_holds_exactly(levels: int) -> None:
    body = b"[" * levels + b"]" * levels
    assert fault_of(body, Limits(depth=levels, entries=-1, name=-1, elements=-1, string=-1)) == ""
    assert fault_of(body, Limits(depth=levels - 1, entries=-1, name=-1, elements=-1, string=-1)) == "json_too_deep"


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        (b'{"a":1,"a":2}', "json_too_many_entries"), (b'{"long":1}', "json_name_too_long"),
        (b"[1,2,3]", "json_too_many_elements"), (b'"long"', "json_string_too_long"), (b'"\\u0061"', ""),
        (b'{"\\u0061":1}', ""), (b"{,}", "json_malformed"), (b"{1:1}", "json_malformed"), (b"[,1]", "json_malformed"),
        (b'{"a":}', "json_malformed"), (b'{"a":1]', "json_malformed"), (b'{"a",1}', "json_malformed"),
        (b"1 1", "json_malformed"), (b"[1:1]", "json_malformed"), (b":", "json_malformed"), (b"", ""),
    ],
)  # fmt: skip
def test_the_other_limits_hold_below_any_depth(inside: bytes, found: str) -> None:
    limits = Limits(depth=-1, entries=1, name=2, elements=2, string=2)
    assert fault_of(b"[" * 3_000 + inside + b"]" * 3_000, limits) == found


TEXT = st.text(st.sampled_from('a:"\\ \t\u00e9\U0001f600{}[],1'), max_size=6)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(TEXT, inner), max_size=4).map(tuple),
    max_leaves=15,
)
LIMIT = st.integers(-1, 5)


def written(value: Any, colon: str, comma: str, ascii_only: bool) -> str:
    """Return a value as JSON; tuples are objects, whose names may be there twice."""
    if isinstance(value, tuple):
        pairs = (
            json.dumps(n, ensure_ascii=ascii_only) + colon + written(v, colon, comma, ascii_only) for n, v in value
        )
        return "{" + comma.join(pairs) + "}"
    if isinstance(value, list):
        return "[" + comma.join(written(v, colon, comma, ascii_only) for v in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def excesses(value: Any, limits: Limits, depth: int = 1) -> set[str]:
    """Return every limit that a value exceeds, found the slow and plain way."""
    found: set[str] = set()
    if isinstance(value, str) and len(value) > limits.string:
        found.add("json_string_too_long")
    if isinstance(value, tuple | list) and depth > limits.depth:
        found.add("json_too_deep")
    if isinstance(value, tuple):
        if len(value) > limits.entries:
            found.add("json_too_many_entries")
        if any(len(name) > limits.name for name, _ in value):
            found.add("json_name_too_long")
        value = [each for _, each in value]
    elif isinstance(value, list) and len(value) > limits.elements:
        found.add("json_too_many_elements")
    if isinstance(value, list):
        found.update(*(excesses(each, limits, depth + 1) for each in value))
    return found


@given(VALUE, LIMIT, LIMIT, LIMIT, LIMIT, LIMIT, st.sampled_from([":", " : ", ": ", "\n:"]), st.booleans())
@example((("a", 1), ("a", 1)), -1, 1, -1, -1, -1, ":", True)
@example(((":", ":"), ('"', '":'), ("\\", 1)), -1, 3, -1, -1, -1, ":", True)
def test_every_reader_finds_what_is_there(
    value: Any, depth: int, entries: int, name: int, elements: int, string: int, colon: str, ascii_only: bool
) -> None:
    limits = Limits(depth=depth, entries=entries, name=name, elements=elements, string=string)
    text = written(value, colon, ", " if colon == ": " else ",", ascii_only)
    expected = excesses(value, limits)
    for found in (fault_of(text.encode(), limits), scan(text, limits)):
        assert found in expected if expected else found == ""


@given(st.text(st.sampled_from('{}[]:,"\\u0d8tfn -+.eE1\n\ud7ff'), max_size=12) | st.text(max_size=8))
def test_every_reader_agrees_with_the_standard_one_on_what_is_json(text: str) -> None:
    def refuse(word: str) -> Any:
        raise ValueError(word)

    try:
        json.loads(text, parse_constant=refuse)
        expected = ""
    except ValueError:
        expected = "json_malformed"
    assert scan(text, NO_LIMITS) == expected
    assert fault_of(text.encode("utf-8", "surrogatepass"), NO_LIMITS) == expected


@given(st.binary(max_size=40))
def test_no_bytes_bring_it_down(body: bytes) -> None:
    assert fault_of(body, NO_LIMITS) in ("", "json_malformed")


@pytest.mark.parametrize(
    ("charset", "refusal"),
    [
        ("utf-8", None),
        ('"UTF-8"', None),
        ("iso-8859-1", None),
        ("utf-7", "json_malformed"),
        ("shift_jis", "json_malformed"),
        ("utf-8; charset=utf-7", "json_malformed"),
    ],
)
def test_marks_cannot_be_hidden_in_another_encoding(charset: str, refusal: str | None) -> None:
    body = '{"a":"+ACIALAAi-b+ACIAOgBbAFsAXQBd-"}'
    assert code({"maxContainerDepth": 1}, body, {"content-type": f"application/json; charset={charset}"}) == refusal


@pytest.mark.parametrize("name", ["json-threat-protection", "json-threat-protection-flex"])
def test_both_names_are_known(name: str) -> None:
    assert policy_case(name).definition.name == "json-threat-protection"


@pytest.mark.parametrize("wrong", [-2, 1.5, "10", None])
def test_a_limit_is_a_number_or_minus_one(wrong: Any) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case("json-threat-protection", {"maxContainerDepth": wrong})
    assert caught.value.path == "maxContainerDepth"


def test_what_was_sent_is_in_no_refusal() -> None:
    refused = policy_case("json-threat-protection", {"maxStringValueLength": 3}).send(posted('["sesame"]'))
    assert "sesame" not in repr(refused)
