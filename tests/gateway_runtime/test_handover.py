import pytest

from gateway_runtime.handover import VARIABLE, HandoverError, Predecessor


def test_without_the_variable_nobody_is_replaced() -> None:
    assert Predecessor.find({"PATH": "/bin"}) is None


@pytest.mark.parametrize("told", ["-", "1", "a,b,c", "99999,-1,99998"])
def test_a_variable_that_no_gateway_has_set_is_refused_and_forgotten(told: str) -> None:
    environment = {VARIABLE: told}
    with pytest.raises(HandoverError, match="Unset it"):
        Predecessor.find(environment)
    assert environment == {}
