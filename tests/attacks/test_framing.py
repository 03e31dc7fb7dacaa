"""No bytes have two readings: class A of the catalogue."""

import pytest

from tests.attacks import framing
from tests.attacks.arena import Arena
from tests.attacks.variants import Case


@pytest.mark.parametrize("case", framing.CASES, ids=lambda case: case.name)
def test_messages_end_where_everybody_says_they_end(case: Case, arena: Arena) -> None:
    arena.run(arena.judge(case))


def test_the_class_has_hundreds_of_variants() -> None:
    assert sum(len(case.variants) for case in framing.CASES) >= 500
