"""Parameters: how they are written in path, query, headers and cookies, and what is said of wrong ones."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.specification.operations import Operation
from gateway_runtime.specification.references import References
from gateway_runtime.specification.shapes import shape_of

from .documents import operation

COLOURS = {"type": "array", "items": {"type": "string", "pattern": "^[a-z ,]+$"}, "minItems": 1, "maxItems": 3}
NUMBERS = {"type": "array", "items": {"type": "integer"}}
RGB = {
    "type": "object",
    "properties": {"r": {"type": "integer"}, "g": {"type": "integer"}},
    "required": ["r"],
    "additionalProperties": False,
}


def code(
    parameter: dict[str, Any],
    *,
    query: str = "",
    path: str | None = None,
    header: list[str] | None = None,
    cookie: str | None = None,
    strict: bool = False,
    version: str = "3.0.3",
) -> str | None:
    """Return the code of the violation of a request by one parameter “p”."""
    described = {"name": "p", "in": "query", **parameter}
    in_path = described["in"] == "path"
    found = operation({"parameters": [described]}, "/{p}" if in_path else "/", version)
    headers = [(b"p", value.encode()) for value in header or []]
    headers += [(b"cookie", cookie.encode())] if cookie is not None else []
    violation = found.head_violation({"p": path} if path is not None else {}, query.encode(), headers, strict=strict)
    return violation.code if violation else None


@pytest.mark.parametrize(
    ("parameter", "taken", "refused"),
    [
        ({"schema": {"type": "integer", "minimum": 2}}, ["p=2", "p=10", ""], ["p=1", "p=a", "p=", "p=2.5", "p=+3"]),
        ({"schema": {"type": "integer"}}, ["p=-0", "p=%31"], ["p=1&p=2", "p=0x1", "p=1_0", "p=%EF%BC%95", "p=1%0A"]),
        ({"schema": {"type": "number"}}, ["p=1.5e3", "p=-2"], ["p=NaN", "p=1e", "p=.5", "p=1e9999"]),
        ({"schema": {"type": "boolean"}}, ["p=true", "p=false"], ["p=1", "p=True", "p="]),
        ({"schema": {"type": "string", "minLength": 2}}, ["p=a+b", "p=%C3%A9%C3%A9", "p=12"], ["p=a", "p=", "p"]),
        ({"schema": {"type": "string", "nullable": True, "enum": ["a", None]}}, ["p=a"], ["p=b"]),
        ({"schema": {"enum": [1, "two", True]}}, ["p=1", "p=two", "p=true"], ["p=3"]),
        ({"schema": {"oneOf": [{"type": "integer"}, {"type": "string", "pattern": "^x"}]}}, ["p=1", "p=x1"], ["p=y"]),
        ({"schema": {"type": "string", "pattern": "^[0-9]+$"}}, ["p=12"], ["p=a"]),
        ({"schema": {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "integer"}]}}, ["p=1234"], ["p=abc"]),
        ({"schema": {}}, ["p=1", "p=x"], ["p=%ff", "p=1&p=2"]),
        ({"required": True, "schema": {"type": "string"}}, ["p=a", "p="], ["", "q=a"]),
        ({"allowEmptyValue": True, "schema": {"type": "integer"}}, ["p=", "p", "p=1"], ["p=a"]),
        ({"schema": COLOURS}, ["p=red&p=blue", "p=red", "p=a,b", "p=a%2Cb"], ["p=R", "p=a&p=a&p=a&p=a"]),
        ({"schema": NUMBERS}, ["p=1&p=2"], ["p=1,2", "p=a"]),
        ({"explode": False, "schema": NUMBERS}, ["p=1,2", "p=1"], ["p=1&p=2", "p=1,a", "p=1%2C2"]),
        ({"explode": False, "schema": COLOURS}, ["p=a,b", "p=a%2Cb,c"], ["p=a,b,c,d"]),
        ({"style": "spaceDelimited", "explode": False, "schema": NUMBERS}, ["p=1%202", "p=1+2"], ["p=1,2"]),
        ({"style": "pipeDelimited", "explode": False, "schema": NUMBERS}, ["p=1%7C2", "p=1|2", "p=1%7c2"], ["p=1,2"]),
        ({"style": "deepObject", "schema": RGB}, ["p[r]=1&p[g]=2", "p%5Br%5D=1", ""],
         ["p[g]=2", "p[r]=a", "p[r]=1&p[x]=1", "p[r]=1&p[r]=2", "p[r][x]=1"]),
        ({"style": "deepObject", "required": True, "schema": RGB}, ["p[r]=1"], ["", "p=1"]),
        ({"style": "deepObject", "explode": False, "schema": NUMBERS}, ["p=1,2"], ["p=1,a"]),
        ({"schema": RGB}, ["r=1&g=2", "r=1", ""], ["g=1", "r=a", "r=1&r=2"]),
        ({"explode": False, "schema": RGB}, ["p=r,1,g,2", "p=r,1"], ["p=r", "p=g,1", "p=r,1,r,2", "p=r,1,x,1"]),
        ({"content": {"application/json": {"schema": RGB}}}, ['p={"r":1}', "p=%7B%22r%22:1%7D"], ["p={", 'p={"r":""}']),
    ],
)  # fmt: skip
def test_query_parameters(parameter: dict[str, Any], taken: list[str], refused: list[str]) -> None:
    for query in taken:
        assert code(parameter, query=query) is None, query
    for query in refused:
        missing = parameter.get("required") and query in ("", "q=a", "p=1")
        assert code(parameter, query=query) == ("parameter_missing" if missing else "parameter_invalid"), query


@pytest.mark.parametrize(
    ("parameter", "taken", "refused"),
    [
        ({"schema": {"type": "integer"}}, ["1", "-7"], ["a", "1.5", "%ff", "1%00"]),
        ({"schema": {"type": "string", "maxLength": 2}}, ["%C3%A9%C3%A9", "a+"], ["abc"]),
        ({"schema": NUMBERS}, ["1,2"], ["1,a", "1%2C2"]),
        ({"explode": True, "schema": NUMBERS}, ["1,2"], ["1,a"]),
        ({"schema": RGB}, ["r,1,g,2"], ["r=1", "r,a", "r"]),
        ({"explode": True, "schema": RGB}, ["r=1,g=2"], ["r,1", "g=1"]),
        ({"style": "label", "schema": {"type": "integer"}}, [".5"], ["5", ".a"]),
        ({"style": "label", "schema": NUMBERS}, [".1,2"], ["1,2", ".1.2"]),
        ({"style": "label", "explode": True, "schema": NUMBERS}, [".1.2"], [".1,2"]),
        ({"style": "label", "explode": True, "schema": RGB}, [".r=1.g=2"], [".r,1"]),
        ({"style": "matrix", "schema": {"type": "integer"}}, [";p=5"], ["5", ";q=5", ";p=a"]),
        ({"style": "matrix", "schema": NUMBERS}, [";p=1,2"], [";p=1;p=2"]),
        ({"style": "matrix", "explode": True, "schema": NUMBERS}, [";p=1;p=2"], [";p=1,2", ";p=1;q=2"]),
        ({"style": "matrix", "schema": RGB}, [";p=r,1,g,2"], [";r=1"]),
        ({"style": "matrix", "explode": True, "schema": RGB}, [";r=1;g=2"], [";p=r,1"]),
    ],
)
def test_path_parameters(parameter: dict[str, Any], taken: list[str], refused: list[str]) -> None:
    for raw in taken:
        assert code({"in": "path", **parameter}, path=raw) is None, raw
    for raw in refused:
        assert code({"in": "path", **parameter}, path=raw) == "parameter_invalid", raw


@pytest.mark.parametrize(
    ("schema", "taken", "refused"),
    [
        ({"type": "integer"}, [["5"], []], [["a"], ["5", "6"]]),
        ({"type": "string", "pattern": "^[a-z, ]+$"}, [["a, b"]], [["A"]]),
        (NUMBERS, [["1, 2"], ["1", "2"], ["1"]], [["1,a"]]),
        (RGB, [["r,1,g,2"]], [["r=1"], ["r"]]),
    ],
)
def test_header_parameters(schema: dict[str, Any], taken: list[list[str]], refused: list[list[str]]) -> None:
    for lines in taken:
        assert code({"in": "header", "name": "P", "schema": schema}, header=lines) is None, lines
    for lines in refused:
        assert code({"in": "header", "name": "P", "schema": schema}, header=lines) == "parameter_invalid", lines
    assert code({"in": "header", "required": True, "schema": schema}, header=[]) == "parameter_missing"


@pytest.mark.parametrize("name", ["Accept", "Content-Type", "authorization"])
def test_headers_that_are_described_elsewhere_are_no_parameters(name: str) -> None:
    assert code({"in": "header", "name": name, "required": True, "schema": {"type": "integer"}}) is None


@pytest.mark.parametrize(
    ("cookie", "refusal"),
    [
        ("p=5", None),
        ("a=b; p=5; c=d", None),
        ('p="5"', None),
        ("p=a", "parameter_invalid"),
        ("p=5; p=6", "parameter_invalid"),
        ("q=5", "parameter_missing"),
        (None, "parameter_missing"),
    ],
)
def test_cookies(cookie: str | None, refusal: str | None) -> None:
    assert code({"in": "cookie", "required": True, "schema": {"type": "integer"}}, cookie=cookie) == refusal


UNKNOWN = "parameter_not_in_specification"


@pytest.mark.parametrize(
    ("parameter", "query", "refusal"),
    [
        ({"schema": {}}, "p=1", None),
        ({"schema": {}}, "q=1", UNKNOWN),
        ({"schema": {}}, "p=1&P=1", UNKNOWN),
        ({"schema": {}}, "%70=1", None),
        ({"schema": RGB}, "r=1", None),
        ({"schema": RGB}, "p=1", UNKNOWN),
        ({"schema": {**RGB, "additionalProperties": True}}, "r=1&any=1", None),
        ({"style": "deepObject", "schema": RGB}, "p[r]=1", None),
        ({"style": "deepObject", "schema": RGB}, "p=1", UNKNOWN),
        ({"style": "deepObject", "schema": RGB}, "p[r=1", UNKNOWN),
        ({"in": "header", "schema": {}}, "p=1", UNKNOWN),
    ],
)
def test_strict_validation_knows_every_declared_name(
    parameter: dict[str, Any], query: str, refusal: str | None
) -> None:
    assert code(parameter, query=query, strict=True) == refusal
    assert code(parameter, query=query) is None


def test_the_parameter_of_an_api_key_is_declared() -> None:
    components = {"securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "apikey"}}}
    found = operation({}, components=components)
    assert found.head_violation({}, b"apikey=1", [], strict=True) is None
    assert found.head_violation({}, b"other=1", [], strict=True) is not None


def test_what_an_operation_says_wins_over_its_path() -> None:
    from gateway_runtime.specification.compiled import Specification

    from .documents import document

    shared = {"name": "p", "in": "query", "schema": {"type": "integer"}}
    own = {"name": "p", "in": "query", "schema": {"type": "boolean"}}
    paths = {"/": {"parameters": [shared], "get": {"responses": {}}, "post": {"parameters": [own], "responses": {}}}}
    methods = Specification(document(paths)).operations[0]
    assert methods[b"GET"].head_violation({}, b"p=1", [], strict=False) is None
    assert methods[b"POST"].head_violation({}, b"p=true", [], strict=False) is None
    assert methods[b"POST"].head_violation({}, b"p=1", [], strict=False) is not None


def everything() -> Operation:
    parameters: list[dict[str, Any]] = [
        {"name": "n", "in": "query", "schema": {"type": "integer"}},
        {"name": "a", "in": "query", "explode": False, "schema": NUMBERS},
        {"name": "d", "in": "query", "style": "deepObject", "schema": RGB},
        {"name": "o", "in": "query", "schema": {**RGB, "additionalProperties": True}},
        {"name": "j", "in": "query", "content": {"application/json": {"schema": RGB}}},
        {"name": "h", "in": "header", "schema": RGB},
        {"name": "c", "in": "cookie", "schema": {"type": "number"}},
        {"name": "p", "in": "path", "style": "matrix", "explode": True, "schema": RGB},
    ]
    return operation({"parameters": parameters}, "/{p}")


EVERYTHING = everything()
SIGNS = st.text(st.sampled_from('nadojpr=&[],;%0125{}"+|\u00e9\x00ghc-.eE '), max_size=25)


@given(SIGNS, SIGNS, SIGNS, SIGNS, st.booleans())
def test_nothing_that_is_sent_brings_it_down(path: str, query: str, header: str, cookie: str, strict: bool) -> None:
    headers = [(b"h", header.encode()), (b"cookie", cookie.encode())]
    raw = path.encode().decode("latin-1")
    found = EVERYTHING.head_violation({"p": raw}, query.encode(), headers, strict=strict)
    assert found is None or found.code in ("parameter_invalid", "parameter_missing", UNKNOWN)


def test_a_parameter_is_put_together_in_linear_time_however_often_parts_are_combined() -> None:
    schemas: dict[str, Any] = {f"A{n}": {"allOf": [{"$ref": f"#/components/schemas/A{n + 1}"}] * 2} for n in range(30)}
    schemas["A30"] = {"type": "integer"}
    shape = shape_of([schemas["A0"]], References({"components": {"schemas": schemas}}))
    assert shape.types == {"integer"}
