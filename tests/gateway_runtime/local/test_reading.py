"""YAML to values with lines."""

import pytest

from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.reading import read_entries


def read(text: str) -> list[object]:
    return [entry.value for entry in read_entries("a.yaml", text.encode())]


def refused(content: bytes) -> str:
    with pytest.raises(FileFault) as caught:
        read_entries("a.yaml", content)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        (".5", 0.5),
        ("true", True),
        ("Yes", True),
        ("off", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("text", "text"),
        ("'12'", "12"),
        ('"yes"', "yes"),
        # What YAML 1.1 takes for base 60, octal, dates and grouped digits is text here.
        ("22:30", "22:30"),
        ("0777", "0777"),
        ("2026-01-02", "2026-01-02"),
        ("1_000", "1_000"),
        ("0x1f", "0x1f"),
        ("1e3", "1e3"),
        ("http://a:80", "http://a:80"),
        (".*", ".*"),
    ],
)
def test_scalars(written: str, value: object) -> None:
    assert read(f"a: {written}\n") == [{"a": value}]


@pytest.mark.parametrize("where", ["labels", "headers"])
@pytest.mark.parametrize("written", ["true", "yes", "007", "1.50", "null", "No"])
def test_labels_and_header_patterns_are_the_text_that_is_written(where: str, written: str) -> None:
    assert read(f"{where}: {{x: {written}}}\n") == [{where: {"x": written}}]


def test_labels_inside_a_config_are_ordinary_settings() -> None:
    assert read("config: {labels: {x: true}}\n") == [{"config": {"labels": {"x": True}}}]


def test_keys_are_always_text() -> None:
    assert read("on: 1\n7: 2\n") == [{"on": 1, "7": 2}]


def test_documents_that_are_empty_are_left_out() -> None:
    assert read("---\n---\na: 1\n---\n# nothing\n") == [{"a": 1}]
    assert read("") == read("# nothing") == []


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert [entry.value for entry in read_entries("a", b"\xef\xbb\xbfa: 1")] == [{"a": 1}]


def test_anchors_and_merged_maps() -> None:
    assert read("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\ne: *x\n") == [
        {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}, "e": {"b": 1, "c": 2}}
    ]
    assert read("a:\n  <<: [{b: 1}, {b: 2, c: 3}]\n") == [{"a": {"b": 1, "c": 3}}]


def test_each_value_knows_its_line() -> None:
    first, second = read_entries("a.yaml", b"a:\n  - b: 1\n\n  - c:\n      d: 2\n---\n\ne: 1\n")
    assert first.place.at("a", 1, "c", "d").line == 5
    assert first.place.at("a", 1, "c", "d").key == "a[1].c.d"
    assert first.place.at("a", 0, "missing", "deeper").line == 2
    assert second.place.line == 8


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a: 1\nb: [1\n", "a.yaml:3: This is not valid YAML"),
        (b"a: 1\n\tb: 2\n", "a.yaml:2: This is not valid YAML"),
        (b"a: 1\nb: \xff\n", "a.yaml:2: The file is not UTF-8."),
        (b"a: 1\nb: \x01\n", "a.yaml:2: "),
        (b"a: 1\nb: 2\na: 3\n", "a.yaml:3: a: The key “a” is there twice."),
        (b"a: {b: 1,\n  b: 2}\n", "a.yaml:2: a.b: The key “b” is there twice."),
        (b"[1, 2]: 3\n", "a.yaml:1: A key must be text."),
        (b"a: 1\nb: !!binary aGk=\n", "a.yaml:2: b: The YAML tag"),
        (b"a: !thing x\n", "a.yaml:1: a: The YAML tag"),
        (b"a: *nobody\n", "a.yaml:1: This is not valid YAML"),
        (b"a: {<<: 3}\n", "a.yaml:1: a: Only a map can be merged"),
        (b"a: &a [*a]\n", "a.yaml:1: Its aliases make it too large or too deep."),
        (b"a: " + b"9" * 5000, "a.yaml:1: a: “9999"),
    ],
)
def test_what_cannot_be_read_says_where(content: bytes, sentence: str) -> None:
    assert refused(content).startswith(sentence)


def test_aliases_cannot_blow_a_file_up() -> None:
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "too large" in refused("\n".join(["a0: &a0 [x, x]", *lines]).encode())


def test_deep_nesting_is_refused() -> None:
    assert "a.yaml:1" in refused(b"[" * 5000 + b"]" * 5000)
