"""One path and one host for everybody: class B of the catalogue."""

import pytest

from tests.attacks import paths
from tests.attacks.arena import Arena
from tests.attacks.variants import Case


@pytest.mark.parametrize("case", paths.CASES, ids=lambda case: case.name)
def test_a_request_goes_where_its_policies_think_it_goes(case: Case, arena: Arena) -> None:
    arena.run(arena.judge(case))


def test_the_class_has_hundreds_of_variants() -> None:
    assert sum(len(case.variants) for case in paths.CASES) >= 500
