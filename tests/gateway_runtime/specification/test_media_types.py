"""Which of several media types suits what a caller accepts."""

import pytest

from gateway_runtime.specification.media_types import accepted

OFFERED = ["application/json", "text/csv", "text/plain"]


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", 0),
        (" , ", 0),
        ("*/*", 0),
        ("*", 0),
        ("text/*", 1),
        ("TEXT/Plain", 2),
        ("text/plain, text/csv", 1),
        ("text/plain;q=0.9, text/csv;q=0.8", 2),
        ("*/*;q=0.1, text/plain", 2),
        ("text/*, text/csv;q=0", 2),
        ("*/*, application/json;q=0.2", 1),
        ("text/plain;charset=utf-8;q=0.4", 2),
        ("image/png", None),
        ("application/json;q=0", None),
        ("application/json;q=much", None),
        ("application/json;q=1.0.0", None),
    ],
)
def test_the_best_one_is_chosen(accept: str, chosen: int | None) -> None:
    assert accepted(accept, OFFERED) == chosen


def test_nothing_suits_where_nothing_is_offered() -> None:
    assert accepted("", []) is None
    assert accepted("*/*", []) is None
