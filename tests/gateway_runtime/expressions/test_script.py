import pytest

from gateway_runtime.expressions.errors import ExpressionError
from gateway_runtime.expressions.given import Given
from gateway_runtime.expressions.script import compile_script
from gateway_runtime.schema.expression import Gives

from .kit import WIDE, message

# The published example of the request filter.
FILTER = """%dw 2.0
output application/java
---
if (attributes.headers["x-api-key"] != null) { success: true }
else { success: false, response: { statusCode: 401, body: "Missing API key", headers: {} } }
"""


def test_a_request_filter() -> None:
    script = compile_script(FILTER, WIDE, Gives.OBJECT)
    assert script.output == "application/java"
    assert script.evaluate(message(headers={"x-api-key": "1"})) == {"success": True}
    refused = {"success": False, "response": {"statusCode": 401, "body": "Missing API key", "headers": {}}}
    assert script.evaluate(message()) == refused


def test_a_header_may_be_left_out() -> None:
    script = compile_script(
        """{ "id": attributes.headers.'custom-client-header', "username": payload.name ++ payload.surname }""", WIDE
    )
    given = Given(payload={"name": "Ada", "surname": "L"})
    assert script.output == ""
    assert script.evaluate(message(headers={"custom-client-header": "7"}), given) == {
        "id": "7",
        "username": "AdaL",
    }


def test_parts_of_a_header_may_be_left_out() -> None:
    assert (
        compile_script("// what it is for\n\noutput application/json\n---\npayload", WIDE).output == "application/json"
    )
    assert compile_script("%dw 2.0\n---\npayload", WIDE).output == ""
    assert compile_script("---\npayload", WIDE).output == ""


@pytest.mark.parametrize(
    ("source", "code", "position"),
    [
        ("%dw 2.0\noutput application/json\npayload", "no_separator", 39),
        ("%dw 1.0\n---\n1", "unknown_directive", 0),
        ("%dw 2.0\n  import * from dw::core::Strings\n---\n1", "unknown_directive", 10),
        ("fun f() = 1\n---\n1", "unknown_directive", 0),
        ("var x = 1\nvar x = 2\n---\nx", "name_taken", 14),
        ("var payload = 1\n---\n1", "name_taken", 4),
        ("var x = \n---\nx", "empty", 9),
        ("var x = 1 2\n---\nx", "unexpected", 10),
        ("var x = y\nvar y = 1\n---\nx", "unknown_name", 8),
        ("var x = 1\nx", "no_separator", 11),
        ("output json\n---\n1", "unknown_directive", 0),
        ("%dw 2.0\n---\npayload.", "unexpected_end", 20),
        ("%dw 2.0\n---\nattributs", "unknown_name", 12),
        ("%dw 2.0\n---\n", "empty", 12),
        ("", "empty", 0),
        ("#[payload]", "unknown_sign", 0),
        ("'" + "a" * 10_000, "too_long", 10_000),
    ],
)
def test_mistakes_have_their_place(source: str, code: str, position: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_script(source, WIDE)
    assert (caught.value.code, caught.value.position) == (code, position)


def test_the_result_is_checked() -> None:
    with pytest.raises(ExpressionError, match="needs an object"):
        compile_script("'text'", WIDE, Gives.OBJECT)


def test_variables_are_known_below_them_and_may_take_several_lines() -> None:
    source = """%dw 2.0
var dear = payload.items
    filter ($.price > 10)
output application/json
var names = dear map $.name
---
{ count: sizeOf(dear), names: names }
"""
    script = compile_script(source, WIDE)
    items = [{"name": "a", "price": 5}, {"name": "b", "price": 50}]
    assert script.output == "application/json"
    assert script.evaluate(message(), Given(payload={"items": items})) == {"count": 1, "names": ["b"]}


def test_an_output_that_is_not_written_is_refused_at_its_place() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_script("%dw 2.0\noutput application/avro\n---\n1", WIDE, outputs=("application/json", "text/plain"))
    assert (caught.value.code, caught.value.position) == ("unknown_output", 15)
    assert "It writes application/json, text/plain." in caught.value.message


def test_a_script_tells_whether_it_reads_the_body() -> None:
    assert compile_script("{a: [payload.b]}", WIDE).uses_payload
    assert not compile_script("{payload: attributes.method, b: 'payload'}", WIDE).uses_payload
