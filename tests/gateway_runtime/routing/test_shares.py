"""Ways by weight."""

import pytest

from gateway_runtime.routing.shares import Shares


@pytest.mark.parametrize(
    ("drawn", "way"), [(0.0, "a"), (0.099, "a"), (0.1, "b"), (0.399, "b"), (0.4, "c"), (0.9999999, "c")]
)
def test_each_way_has_its_share_of_the_line(drawn: float, way: str) -> None:
    assert Shares(["a", "b", "c"], [1, 3, 6], random=lambda: drawn).choose() == way


def test_one_way_is_always_taken() -> None:
    assert {Shares(["a"], [7]).choose() for _ in range(20)} == {"a"}
