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
    assert script.expression.evaluate(message(headers={"x-api-key": "1"})) == {"success": True}
    refused = {"success": False, "response": {"statusCode": 401, "body": "Missing API key", "headers": {}}}
    assert script.expression.evaluate(message()) == refused


def test_a_header_may_be_left_out() -> None:
    script = compile_script(
        """{ "id": attributes.headers.'custom-client-header', "username": payload.name ++ payload.surname }""", WIDE
    )
    given = Given(payload={"name": "Ada", "surname": "L"})
    assert script.output == ""
    assert script.expression.evaluate(message(headers={"custom-client-header": "7"}), given) == {
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
        ("var x = 1\n---\nx", "unknown_directive", 0),
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
