"""The reference page of expressions: every example on it is run."""

import json
import re
from pathlib import Path

import pytest

from gateway_runtime.expressions import limits
from gateway_runtime.expressions.errors import ExpressionError, Failure
from gateway_runtime.expressions.expression import compile_setting
from gateway_runtime.expressions.functions import FUNCTIONS
from gateway_runtime.expressions.given import AUTHENTICATION, Given
from gateway_runtime.expressions.loops import LOOPS
from gateway_runtime.expressions.scope import Scope, Side
from gateway_runtime.expressions.script import compile_script
from gateway_runtime.expressions.types import OBJECT
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.expression import Gives

PAGE = Path(__file__).parents[3] / "portal/docs/pages/reference/expressions.md"
TEXT = PAGE.read_text(encoding="utf-8")
SCOPE = Scope(payload=True, variables={"claimSet": OBJECT})


def rows(heading: str, *, width: int) -> list[list[str]]:
    """Return the rows of every table of a section that has so many columns."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = [[cell.strip() for cell in line[1:-1].split(" | ")] for line in section.splitlines() if line[:1] == "|"]
    return [row for row in found if len(row) == width and not set(row[0]) <= {"-", " ", "|"} and row[0][:1] == "`"]


def code(cell: str) -> str:
    """Return what is between the backticks of a cell."""
    assert cell[0] == cell[-1] == "`", cell
    return cell[1:-1]


LOOPS_OF_THE_PAGE = "Functions with a function"
SECTIONS = ("Names", "Values", "Parts of values", "Operators", "Functions", LOOPS_OF_THE_PAGE)
EXAMPLES = [
    (code(row[0]), code(row[1]))
    for heading in SECTIONS
    for row in rows(heading, width=2)
    if row[0].startswith("`#[") and row[1].endswith("`")
] + [(code(row[2]), code(row[3])) for heading in ("Operators", "Functions") for row in rows(heading, width=4)]
TEMPLATES = [(code(one), code(other)) for one, other in rows("Text with expressions inside", width=2)]
MISTAKES = [(code(one), other) for one, other in rows("Mistakes", width=2)]
FAILURES = [(code(row[2]), code(row[0])) for row in rows("Failures", width=3) if row[2] != ""]


def request() -> tuple[RequestContext, Given]:
    """Return the request of the page, as a policy would see it."""
    head, _, body = TEXT.partition("```http\n")[2].partition("```")[0].strip().partition("\n\n")
    line, *fields = head.splitlines()
    method, target, _ = line.split(" ")
    path, _, query = target.partition("?")
    headers = [tuple(field.split(": ", 1)) for field in fields]
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    context = RequestContext(method.encode(), path.encode(), query.encode(), pairs, "192.0.2.7", b"request-1")
    context.application, context.application_name, context.principal = "app-1", "Shop", b"7d1f"
    context.note(AUTHENTICATION, {"claims": {"scope": "read"}})
    return context, Given(payload=json.loads(body), vars={"claimSet": {"sub": "u1"}})


def test_the_page_has_its_examples() -> None:
    counts = [len(each) for each in (EXAMPLES, TEMPLATES, MISTAKES, FAILURES)]
    assert all(count >= least for count, least in zip(counts, (110, 3, 10, 8), strict=True)), counts
    block = TEXT.partition("```text\n")[2].partition("```")[0].split("\n")
    assert [compile_setting(line, SCOPE).source for line in block if line] == [line for line in block if line]


@pytest.mark.parametrize(("source", "value"), EXAMPLES)
def test_an_example_gives_its_value(source: str, value: str) -> None:
    result = compile_setting(source, SCOPE, Gives.ANY).evaluate(*request())
    expected = json.loads(value)
    assert (result, type(result)) == (expected, type(expected))


@pytest.mark.parametrize(("source", "value"), TEMPLATES)
def test_text_with_expressions_gives_its_value(source: str, value: str) -> None:
    assert compile_setting(source, SCOPE, text=True).evaluate(*request()) == json.loads(value)


@pytest.mark.parametrize(("source", "sentence"), MISTAKES)
def test_a_mistake_is_refused_with_its_sentence(source: str, sentence: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_setting(source, SCOPE)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize(("source", "reason"), FAILURES)
def test_a_failure_has_its_code(source: str, reason: str) -> None:
    result = compile_setting(source, SCOPE, Gives.ANY).evaluate(*request())
    assert isinstance(result, Failure)
    assert result.code == reason


def test_the_script_of_the_page_gives_its_result() -> None:
    section = TEXT.partition("\n## Scripts\n")[2].partition("\n## ")[0]
    source = section.partition("```dataweave\n")[2].partition("```")[0]
    result = section.partition("```json\n")[2].partition("```")[0]
    script = compile_script(source, SCOPE)
    assert (script.output, script.evaluate(*request())) == ("application/json", json.loads(result))


def test_every_name_is_on_the_page_with_its_side() -> None:
    for side in Side:
        scope = Scope(side=side, payload=True, variables={"claimSet": OBJECT})
        for name in scope.names:
            group = scope.group(name)
            known = [name] if group is None or name == "vars" else [f"{name}.{part}" for part in group]
            for each in known:
                row = next(row for row in rows("Names", width=3) if code(row[0]) == each)
                if name == "attributes":
                    named = {"request", "response"} if side is Side.EITHER else {side.value}
                    assert named & set(row[2].replace(",", " ").split())


def test_every_function_and_every_operator_is_on_the_page() -> None:
    listed = {code(row[0]).partition("(")[0] for row in rows("Functions", width=4)}
    assert listed == set(FUNCTIONS)
    for name, function in FUNCTIONS.items():
        written = ", ".join(parameter for parameter, _ in function.parameters)
        assert f"| `{name}({written})` |" in TEXT
    loops = {code(row[0]): row[1] for row in rows(LOOPS_OF_THE_PAGE, width=3)}
    assert {name: len(takes.split(",")) for name, takes in loops.items()} == {
        name: kind.takes for name, kind in LOOPS.items()
    }
    for operator in (
        "as",
        "is",
        "*",
        "/",
        "+",
        "-",
        "--",
        "!",
        "<",
        "<=",
        ">",
        ">=",
        "==",
        "!=",
        "not",
        "and",
        "or",
        "default",
        "++",
        "contains",
    ):
        assert any(f"`{operator}`" in row[0] for row in rows("Operators", width=4)), operator


def test_every_code_of_a_failure_is_on_the_page() -> None:
    from gateway_runtime.expressions import errors

    codes = {each.code for each in vars(errors).values() if isinstance(each, Failure)}
    assert codes == {code(row[0]) for row in rows("Failures", width=3)}


def test_the_limits_on_the_page_are_those_that_hold() -> None:
    section = TEXT.partition("\n## Limits\n")[2].partition("\n## ")[0]
    numbers = [int(found.replace(" ", "")) for found in re.findall(r"\d[\d ]*\d", section)]
    assert numbers == [
        limits.SOURCE_LENGTH, limits.NODES, limits.DEPTH, limits.TEXT_LENGTH, limits.LIST_LENGTH,
        limits.STEPS, limits.RESULT_LENGTH, 16, limits.SHORT,
    ]  # fmt: skip
