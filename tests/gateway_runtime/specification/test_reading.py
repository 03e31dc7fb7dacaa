"""Reading specifications: what is taken, and that no text can do harm."""

import time

import pytest

from gateway_runtime.specification.compiled import Specification, check_specification
from gateway_runtime.specification.faults import SpecificationFault
from gateway_runtime.specification.reading import read

from .documents import document

HEAD = 'openapi: 3.0.3\ninfo: {title: T, version: "1"}\n'


def fault(text: str) -> str:
    with pytest.raises(SpecificationFault) as caught:
        Specification(text)
    return str(caught.value)


@pytest.mark.parametrize(("version", "is_3_0"), [("3.0.0", True), ("3.0.3", True), ("3.1.0", False), ("3.1.1", False)])
def test_both_versions_are_read_as_json_and_as_yaml(version: str, is_3_0: bool) -> None:
    assert read(document({}, version)) == read(f"openapi: {version}\ninfo: {{title: T, version: '1'}}\npaths: {{}}")
    assert read(document({}, version))[1] is is_3_0


def test_yaml_is_read_by_the_rules_of_json() -> None:
    found, _ = read(HEAD + "x: [yes, no, 2024-01-01, 0o17, 1:30, 12, -1.5e3, true, ~, 'true', 007, .inf, !!str 5]")
    assert found["x"] == ["yes", "no", "2024-01-01", "0o17", "1:30", 12, -1500.0, True, None, "true", 7, ".inf", "5"]


def test_a_status_is_a_key_of_text_and_aliases_are_followed() -> None:
    found, _ = read(HEAD + "x: &a {200: {description: ok}}\ny: *a")
    assert found["y"] == {"200": {"description": "ok"}}


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no object"),
        ("- 1", "no object"),
        ("{", "no valid JSON"),
        ("{}", "“openapi” has to say a version"),
        ('{"openapi": 3.0}', "“openapi” has to say a version"),
        ("openapi: 3.2.0", "“openapi” has to say a version"),
        ("openapi: 2.0", "“openapi” has to say a version"),
        ('swagger: "2.0"', "Swagger 2.0"),
        ("a: [1", "no valid YAML in line"),
        ("a: b: c", "no valid YAML in line 1"),
        ("a: 1\na: 2", "“a” is twice"),
        ("x: {<<: {a: 1}}", "Merge keys"),
        ("x: *nothing", "*nothing"),
        ("a: 1\n---\nb: 2", "several documents"),
        ("? [a, b]\n: 1", "is not text"),
        ("x: !!python/object/apply:os.system [echo]", "python/object"),
        ('x: !!python/object/apply:os.system "echo"', "python/object"),
        ("x: !!binary aGk=", "binary"),
        ("\x00", "a character that YAML does not allow"),
        (BOMB, "more than 300000 values"),
        ("x: &x [*x]", "means nothing before it"),
        ("x: " + "[" * 200_000, "nested deeper than 100 levels"),
        ("{" * 200_000, "no valid"),
        ('{"a":' * 200_000, "nested deeper than 100 levels"),
        ('{"a":' * 150 + "1" + "}" * 150, "nested deeper than 100 levels"),
        ('{"a":[' + "1," * 400_000 + "1]}", "more than 300000 values"),
        ("#" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
    ],
    ids=range(27),
)
def test_what_cannot_be_used_is_refused_with_one_sentence(text: str, said: str) -> None:
    started = time.process_time()
    found = fault(text)
    assert said in found
    assert found.endswith(".")
    assert "\n" not in found
    assert len(found) < 300
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "reference",
    [
        "file:///etc/passwd", "/etc/passwd", "../other.yaml", "http://169.254.169.254/latest", "https://example.org/a#/b",
        "other.yaml#/components/schemas/A", "//host/path", "#anchor", "", "urn:x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["schema", "parameter", "body", "path", "response schema in a list"])
def test_no_reference_leads_out_of_the_document(reference: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("nothing may be opened")

    monkeypatch.setattr("builtins.open", forbidden)
    monkeypatch.setattr("socket.socket", forbidden)
    outside = {"$ref": reference}
    post: dict[str, object] = {"responses": {}}
    path: object = {"post": post}
    if place == "schema":
        post["requestBody"] = {"content": {"application/json": {"schema": outside}}}
    elif place == "parameter":
        post["parameters"] = [outside]
    elif place == "body":
        post["requestBody"] = outside
    elif place == "path":
        path = outside
    else:
        listed = {"allOf": [{"type": "array", "items": outside}]}
        post["parameters"] = [{"name": "a", "in": "query", "schema": listed}]
    assert "leads out of the specification" in fault(document({"/a": path}))


@pytest.mark.parametrize(
    ("schemas", "said"),
    [
        ({"A": {"$ref": "#/components/schemas/A"}}, "leads back to itself"),
        ({"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}}, "leads back to itself"),
        ({"A": {"allOf": [{"$ref": "#/components/schemas/A"}]}}, "leads back to itself"),
        ({"A": {"anyOf": [{"type": "null"}, {"not": {"$ref": "#/components/schemas/A"}}]}}, "leads back to itself"),
        ({"A": {"$ref": "#/components/schemas/Missing"}}, "leads to nothing"),
        ({"A": {"type": "nonsense"}}, "cannot be used"),
        ({"A": {"pattern": "(["}}, "cannot be used"),
        ({"A": {"pattern": "(" * 500}}, "cannot be used"),
        ({"A": {"pattern": "(((a{1000}){1000}){1000}){1000}"}}, "cannot be used"),
        ({"A": []}, "no object"),
        ({"A": {"properties": {"a": 3}}}, "no object"),
        ({"A": {"$dynamicRef": "#x"}}, "“$dynamicRef”, which is not supported"),
    ],
)
def test_schemas_that_would_harm_are_refused(schemas: dict[str, object], said: str) -> None:
    reference = {"$ref": "#/components/schemas/A"}
    body = {"content": {"application/json": {"schema": reference}}}
    text = document({"/a": {"post": {"requestBody": body, "responses": {}}}}, components={"schemas": schemas})
    assert said in fault(text)


def test_a_chain_of_schemas_has_an_end() -> None:
    chain = {f"A{n}": {"allOf": [{"$ref": f"#/components/schemas/A{n + 1}"}]} for n in range(2_000)}
    chain["A2000"] = {"type": "string"}  # type: ignore[dict-item]
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A0"}}}}
    text = document({"/a": {"post": {"requestBody": body, "responses": {}}}}, components={"schemas": chain})
    assert "more than 40 in a row" in fault(text)


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"parameters": [{"in": "query"}]}, "POST /a: A parameter"),
        ({"parameters": [{"name": "a", "in": "body"}]}, "in no place that OpenAPI knows"),
        ({"parameters": [{"name": "a", "in": "path", "schema": {}}]}, "is not in its path"),
        ({"parameters": [{"name": "a", "in": "header", "style": "form", "schema": {}}]}, "not for header parameters"),
        ({"parameters": [{"name": "a", "in": "query", "content": {}, "schema": 3}]}, "no object"),
        ({"parameters": 3}, "not described as OpenAPI has it"),
        ({"requestBody": {}}, "no “content”"),
        ({"requestBody": {"content": {"application/json": {"schema": 3}}}}, "no object"),
    ],
)
def test_operations_that_say_nothing_clear_are_refused(described: dict[str, object], said: str) -> None:
    assert said in fault(document({"/a": {"post": {"responses": {}, **described}}}))


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ({"a": {}}, "does not begin with “/”"),
        ({"/{a": {}}, "a brace without its other"),
        ({"/{a}/{a}": {}}, "has a parameter twice"),
        ({"/{a}": {}, "/{b}": {}}, "is there twice"),
        ({"/" + "a/" * 100: {}}, "more than 60 parts"),
        ({"/a": 3}, "is no object"),
        ({"/a": {"get": 3}}, "is no object"),
    ],
)
def test_paths_that_say_nothing_clear_are_refused(paths: dict[str, object], said: str) -> None:
    assert said in fault(document(paths))


def test_the_same_fault_is_said_again() -> None:
    for _ in range(2):
        with pytest.raises(SpecificationFault, match="Swagger"):
            check_specification("swagger: '2.0'")
    check_specification(document({}))
