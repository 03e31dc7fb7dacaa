"""Where a caller comes from is said by whom the operator trusts: C7 and C8 of the catalogue, and the PROXY protocol."""

import pytest

from tests.attacks import balancers
from tests.attacks.arena import Arena
from tests.attacks.variants import Case


@pytest.mark.parametrize("case", balancers.CASES, ids=lambda case: case.name)
def test_only_a_trusted_proxy_says_who_calls(case: Case, arena: Arena) -> None:
    arena.run(arena.judge(case))


def test_the_class_has_hundreds_of_variants() -> None:
    assert sum(len(case.variants) for case in balancers.CASES) >= 1000
