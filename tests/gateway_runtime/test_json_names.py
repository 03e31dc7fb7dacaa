"""Names that are there twice in a JSON text: a decoder keeps one of them, and nobody may overlook the other."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.json_names import are_all_kept

# Names and strings that could be taken for the sign that is counted, or hide one.
WORDS = st.sampled_from(["a", "b", ":", '":', "\\u003a", "\\u003A", "é", "/", "<", "\x7f", ""])
SPACES = st.sampled_from(["", "", " ", "\n", "\t "])
SCALARS = st.one_of(WORDS, st.sampled_from([0, 1.0, 1e9, -5, True, None, 2**70]))


@st.composite
def texts(draw: Any, depth: int = 3) -> str:
    """Return a JSON text as somebody may write it, with names twice, spaces and escapes."""
    kind = draw(st.integers(0, 3)) if depth else 0
    space = draw(SPACES)
    if kind == 0:
        value = draw(SCALARS)
        if isinstance(value, str) and value.startswith("\\u"):
            return f'{space}"{value}"{space}'
        return space + json.dumps(value, ensure_ascii=draw(st.booleans())) + space
    inner = [draw(texts(depth - 1)) for _ in range(draw(st.integers(0, 3)))]
    if kind == 1:
        return f"{space}[{','.join(inner)}]{space}"
    names = [draw(WORDS) for _ in inner]
    written = [f'"{each}"' if each.startswith("\\u") else json.dumps(each) for each in names]
    return space + "{" + ",".join(f"{n}{space}:{v}" for n, v in zip(written, inner, strict=True)) + "}" + space


def has_twice(text: str) -> bool:
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({name for name, _ in pairs}) != len(pairs)

    json.loads(text, object_pairs_hook=look)
    return found


@given(texts())
def test_no_name_that_is_there_twice_is_overlooked(text: str) -> None:
    body = text.encode()
    assert not (are_all_kept(body, msgspec.json.decode(body)) and has_twice(text))


@pytest.mark.parametrize("text", ['{"a":1,"b":{"c":":"}}', '{ "a" : 1.0, "b": [":"] }', '{"é": "\\u00e9"}'])
def test_usual_texts_are_clear_at_once(text: str) -> None:
    body = text.encode()
    assert are_all_kept(body, msgspec.json.decode(body))
