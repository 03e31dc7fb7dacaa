"""The gateway alone says who calls: class C of the catalogue."""

import pytest

from tests.attacks import headers
from tests.attacks.arena import Arena
from tests.attacks.variants import Case


@pytest.mark.parametrize("case", headers.CASES, ids=lambda case: case.name)
def test_no_header_says_what_only_the_gateway_may_say(case: Case, arena: Arena) -> None:
    arena.run(arena.judge(case))


def test_the_class_has_hundreds_of_variants() -> None:
    assert sum(len(case.variants) for case in headers.CASES) >= 500
