"""Reading and checking specifications: what is taken, what is refused, and what is said about it."""

import json
import time

import pytest

from portal.catalog.openapi import checks
from portal.catalog.openapi.checks import openapi_from
from portal.catalog.openapi.faults import SpecificationRefused
from portal.catalog.openapi.limits import MAX_BYTES
from portal.catalog.openapi.locating import line_of
from portal.catalog.openapi.reading import read
from tests.portal.catalog.specifications import ORDERS


def refusal(source):
    with pytest.raises(SpecificationRefused) as caught:
        openapi_from(source)
    return caught.value


HEAD = 'openapi: 3.0.3\ninfo: {title: Orders, version: "1"}\n'
HEAD_31 = HEAD.replace("3.0.3", "3.1.0")


class TestTaken:
    def test_title_version_and_description_are_taken_over(self):
        openapi = openapi_from(ORDERS)
        assert (openapi.title, openapi.version, openapi.description) == ("Orders", "1.2.0", "Orders of the shop.")
        assert openapi.openapi == "3.0.3"
        assert openapi.source == ORDERS

    def test_json_is_taken(self):
        document = {"openapi": "3.1.0", "info": {"title": "Orders", "version": "1"}, "paths": {}}
        assert openapi_from(json.dumps(document).encode()).openapi == "3.1.0"

    def test_recursive_schema_is_taken(self):
        schema = "A: {type: object, properties: {next: {$ref: '#/components/schemas/A'}}}"
        assert openapi_from(f"{HEAD}paths: {{}}\ncomponents:\n  schemas:\n    {schema}\n").title == "Orders"


class TestYaml:
    def test_values_follow_json_not_yaml_1_1(self):
        found = read("a: yes\nb: 2024-01-01\nc: 012\nd: 1.5\ne: true\nf: ~\ng: '1'\n200: x\n1e999: 1e999\n")
        assert found == {
            "a": "yes", "b": "2024-01-01", "c": 12, "d": 1.5, "e": True, "f": None, "g": "1", "200": "x",
            "1e999": "1e999",
        }  # fmt: skip

    def test_tags_make_no_objects(self):
        assert read("!!python/object/apply:os.system ['true']") == ["true"]

    def test_aliases_are_followed(self):
        assert read("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}

    @pytest.mark.parametrize(
        ("source", "code"),
        [
            ("a: [", "not_yaml"),
            ("a: 1\na: 2", "duplicate_key"),
            ("a: 1\n---\nb: 2", "several_documents"),
            ("a: *nothing", "alias_unknown"),
            ("b: &b {c: 1}\na: {<<: *b}", "merge_key"),
            ("? [a]\n: 1", "key_not_text"),
            ("[" * 200, "nested_too_deep"),
            ("- " * 5000 + "x", "nested_too_deep"),
            ("   \n", "specification_empty"),
            (b"\xff\xfe", "not_text"),
            ("a: \x00", "not_text"),
            ('{"a": 1, "a": 2}', "duplicate_key"),
            ('{"a": }', "not_json"),
            ('{"a": NaN}', "not_json"),
            ('{"a": 1e999}', "number_too_long"),
            ('{"a": ' + "9" * 5000 + "}", "number_too_long"),
            ('{"a": ' * 200 + "1" + "}" * 200, "nested_too_deep"),
            (b"a" * (MAX_BYTES + 1), "specification_too_large"),
            ("#%RAML 1.0\n", "not_openapi"),
        ],
    )
    def test_what_cannot_be_read_is_named(self, source, code):
        assert refusal(source).code == code

    def test_alias_bomb_is_refused_quickly(self):
        levels = "".join(
            f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        )
        began = time.monotonic()
        assert refusal(f"a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n{levels}").code == "too_many_values"
        assert time.monotonic() - began < 2

    def test_endless_string_is_refused_quickly(self):
        began = time.monotonic()
        assert refusal('{"' + '\\"' * 1_000_000).code == "not_json"
        assert time.monotonic() - began < 2


class TestKinds:
    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ("swagger: '2.0'", "Swagger 2.0"),
            ("asyncapi: 3.0.0", "AsyncAPI"),
            ("openapi: 3.2.0", "3.2.0 is not supported"),
            ("openapi: 3.0", "in quotes"),
            ("title: x", "“openapi” is missing"),
            ("- 1", "not an object"),
            ("openapi: 3.0.3\npaths: {}", "“title” is missing"),
        ],
    )
    def test_other_documents_are_told_apart(self, source, words):
        assert words in refusal(source).fields["source"]


class TestReferences:
    @pytest.mark.parametrize("target", ["file:///etc/passwd", "http://127.0.0.1/x.yaml", "other.yaml#/A", "#A"])
    def test_reference_outside_of_the_document_is_refused(self, target):
        error = refusal(f"{HEAD}paths:\n  /a: {{$ref: '{target}'}}\n")
        assert error.code == "reference_outside"
        assert error.faults[0].pointer == "/paths/~1a/$ref"
        assert error.faults[0].line == 4

    def test_reference_to_nothing_is_refused(self):
        assert refusal(f"{HEAD}paths:\n  /a: {{$ref: '#/components/x'}}\n").code == "reference_unknown"

    def test_reference_to_itself_is_refused(self):
        loop = "    A: {$ref: '#/components/schemas/B'}\n    B: {$ref: '#/components/schemas/A'}\n"
        assert refusal(f"{HEAD}paths: {{}}\ncomponents:\n  schemas:\n{loop}").code == "reference_loop"

    def test_character_that_cannot_be_stored_is_refused(self):
        document = '{"openapi": "3.0.3", "info": {"title": "a\\u0000", "version": "1"}, "paths": {}}'
        assert refusal(document).code == "not_text"
        document = '{"openapi": "3.0.3", "info": {"title": "a", "version": "1"}, "paths": {}, "x-\\ud800": 1}'
        assert refusal(document).code == "not_text"


class TestSchema:
    @pytest.mark.parametrize(
        ("rest", "line", "sentence"),
        [
            ("", None, "“paths” is missing. Add it here."),
            ("paths:\n  /a:\n    get: {summary: x}\n", 5, "“responses” is missing. Add it here."),
            ("paths:\n  a: {}\n", 3, "The path “a” must begin with “/”. Change it."),
            (
                "paths:\n  /a:\n    get:\n      sumary: x\n      responses: {200: {description: ok}}\n",
                5,
                "“sumary” does not belong here. Remove it, or begin its name with “x-”.",
            ),
            (
                "paths: {}\ncomponents:\n  schemas:\n    A: {type: strin}\n",
                6,
                "“strin” is not allowed here. Use one of array, boolean, integer, number, object, string.",
            ),
            (
                "paths:\n  /a:\n    get:\n      parameters: [{name: x, in: body, schema: {}}]\n"
                "      responses: {200: {description: ok}}\n",
                6,
                "“body” is not allowed here. Use one of path, query, header, cookie.",
            ),
        ],
    )
    def test_fault_is_one_sentence_with_its_line(self, rest, line, sentence):
        fault = refusal(HEAD + rest).faults[0]
        assert (fault.line, fault.message) == (line, sentence)

    def test_undeclared_path_parameter_says_how_to_declare_it(self):
        error = refusal(f"{HEAD}paths:\n  /a/{{id}}:\n    get:\n      responses: {{200: {{description: ok}}}}\n")
        assert "Declare it under “parameters”" in error.fields["source"]

    def test_schema_fault_of_3_1_has_its_place_in_the_document(self):
        fault = refusal(f"{HEAD_31}paths: {{}}\ncomponents:\n  schemas:\n    A: {{type: strin}}\n").faults[0]
        assert (fault.pointer, fault.line) == ("/components/schemas/A/type", 6)

    def test_only_the_first_faults_are_listed(self):
        paths = "".join(f"  /a{number}:\n    get: {{}}\n" for number in range(9))
        text = refusal(f"{HEAD}paths:\n{paths}").fields["source"]
        assert len(text.splitlines()) == 6
        assert text.endswith("And 4 more.")

    def test_check_that_never_ends_is_stopped(self, monkeypatch):
        monkeypatch.setattr(checks, "CHECK_SECONDS", 1.5)
        pattern = '{type: string, pattern: "^(a+)+$", default: "' + "a" * 60 + 'b"}'
        assert refusal(f"{HEAD}paths: {{}}\ncomponents:\n  schemas:\n    A: {pattern}\n").code == "check_too_long"


class TestLines:
    TEXT = "a:\n  - b: 1\n    c: [1, 2]\n  - &x {d: 1}\n  - *x\n  - e: 2\n"

    def test_place_of_a_value(self):
        assert line_of(self.TEXT, ["a", 0, "c", 1]) == 3
        assert line_of(self.TEXT, ["a", 3, "e"]) == 6

    def test_nearest_place_around_what_is_not_there(self):
        assert line_of(self.TEXT, ["a", 1, "missing"]) == 4

    def test_json_has_lines_too(self):
        assert line_of('{\n  "a": {\n    "b": 1\n  }\n}', ["a", "b"]) == 3
