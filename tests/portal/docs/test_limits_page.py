"""The page about limits has every limit there is, with the default it really has."""

import re

import msgspec
import pytest

from gateway_runtime.local.loading import load_files
from gateway_runtime.schema.document import Timeouts
from gateway_runtime.schema.limits import ApiLimits, Limits
from portal.docs import library

EXAMPLES = [
    example
    for page in (("reference", "limits"), ("operations", "behind-a-load-balancer"))
    for example in re.findall(r"```yaml\n(.*?)```", library.pages()[page].text, re.DOTALL)
]
TEXT = library.pages()["reference", "limits"].text


def rows(heading: str) -> dict[str, str]:
    """Return the defaults by setting, from the tables under a heading."""
    part = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", part, re.MULTILINE))


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def test_the_limits_of_a_gateway_are_those_of_the_document() -> None:
    given = {**msgspec.structs.asdict(Limits()), **msgspec.structs.asdict(Timeouts())}
    assert rows("Of a gateway") == {
        camel(name): f"{value:g}" if value < 1e6 else str(value) for name, value in given.items()
    }


def test_the_limits_of_an_api_are_those_of_the_document() -> None:
    assert rows("Of one API").keys() == {camel(name) for name in ApiLimits.__struct_fields__}


@pytest.mark.parametrize("code", sorted({*re.findall(r"\b[45]\d\d `(\w+)`", TEXT)}))
def test_a_code_is_one_of_the_gateway(code: str) -> None:
    assert f"`{code}`" in library.pages()["reference", "answers-of-the-gateway"].text


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_served(text: str) -> None:
    assert load_files([("example.yaml", text.encode())], {}).resources
