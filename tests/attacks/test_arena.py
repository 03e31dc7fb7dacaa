"""The judge sees what it is there to see."""

import pytest

from tests.attacks.arena import Arena
from tests.attacks.variants import GOOD, HOST, SMUGGLED, answered, case, head, plain, refused


@pytest.mark.parametrize(
    ("data", "outcome", "fault"),
    [
        (GOOD, refused(), "answers \\[200\\]"), (b"x\r\n\r\n", answered(200, upstream=1), "answers \\[400\\]"),
        (GOOD + SMUGGLED, answered(200, upstream=1), "more came"), (GOOD, answered(200), "the service saw 1"),
        (b"x\r\n\r\n", answered(400), "closed: True"),
        (head(HOST, b"Connection: close"), answered(200, upstream=1), "closed: True"),
    ],
    ids=["passed", "refused", "two answers", "seen", "closed", "closing"],
)  # fmt: skip
def test_what_should_not_happen_is_a_fault(data: bytes, outcome: object, fault: str, arena: Arena) -> None:
    with pytest.raises(AssertionError, match=fault):
        arena.run(arena.judge(case("0", "self", outcome, plain("this", data))))  # type: ignore[arg-type]


def test_what_should_happen_is_none(arena: Arena) -> None:
    arena.run(arena.judge(case("0", "self", answered(200, 200, upstream=2), plain("this", GOOD + SMUGGLED))))
