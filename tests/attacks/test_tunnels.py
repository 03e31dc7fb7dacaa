"""Nothing but a whole handshake and its own answer opens a tunnel: A32 and A34 of the catalogue."""

import pytest

from tests.attacks import tunnels
from tests.attacks.arena import Arena
from tests.attacks.variants import Case


@pytest.mark.parametrize("case", tunnels.CASES, ids=lambda case: case.name)
def test_a_tunnel_is_opened_by_a_handshake_alone(case: Case, arena: Arena) -> None:
    arena.run(arena.judge(case))


def test_the_class_has_hundreds_of_variants() -> None:
    assert sum(len(case.variants) for case in tunnels.CASES) >= 700
