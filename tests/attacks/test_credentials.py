"""What is nearly right is wrong: class D of the catalogue."""

import pytest

from tests.attacks import credentials
from tests.attacks.arena import Arena
from tests.attacks.variants import Case


@pytest.mark.parametrize("case", credentials.CASES, ids=lambda case: case.name)
def test_only_the_right_credentials_open_a_lock(case: Case, arena: Arena) -> None:
    arena.run(arena.judge(case))


def test_the_class_has_hundreds_of_variants() -> None:
    assert sum(len(case.variants) for case in credentials.CASES) >= 200
