import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.policies.results import BodyFilter, Refused
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import policy_case, request

NAME = "request-size-limit"


def refused(config: dict[str, int], *, length: int = 0, headers: int = 0, value: str = "1") -> str:
    context = request("POST", headers=[(f"x-{n}", value) for n in range(headers)])
    context.body_length = length
    found = policy_case(NAME, config).send(context)
    return found.code if found is not None else ""


@pytest.mark.parametrize(
    ("most", "length", "code"),
    [
        (10, 0, ""),
        (10, 10, ""),
        (10, 11, "request_body_too_large"),
        (0, 0, ""),
        (0, 1, "request_body_too_large"),
        (10, -1, ""),
    ],
)
def test_a_body_that_announces_its_length_is_judged_by_it(most: int, length: int, code: str) -> None:
    assert refused({"maxBodyBytes": most}, length=length) == code


def test_a_mebibyte_may_pass_where_nothing_is_set() -> None:
    assert refused({}, length=1 << 20) == ""
    assert refused({}, length=(1 << 20) + 1) == "request_body_too_large"
    assert refused({}, headers=500, value="x" * 100) == ""


@pytest.mark.parametrize(("headers", "code"), [(2, ""), (3, "request_headers_too_many")])
def test_headers_are_counted(headers: int, code: str) -> None:
    assert refused({"maxHeaders": 2}, headers=headers) == code


@pytest.mark.parametrize(("most", "code"), [(16, ""), (15, "request_headers_too_large")])
def test_headers_are_measured_with_names_values_and_what_is_around(most: int, code: str) -> None:
    assert refused({"maxHeaderBytes": most}, headers=2, value="1") == code


def test_only_a_body_of_unknown_length_is_counted_as_it_streams() -> None:
    for length, count in ((0, 0), (5, 0), (-1, 1)):
        context = request("POST")
        context.body_length = length
        policy_case(NAME, {"maxBodyBytes": 10}).send(context)
        assert len(context.request_filters or ()) == count
        assert context.body is None


def passed_on(counting: BodyFilter, pieces: list[bytes]) -> bytes:
    passed = [counting.feed(piece) for piece in pieces]
    return b"".join([*passed, counting.finish()])


@given(st.lists(st.binary(max_size=6), max_size=8), st.integers(0, 20))
def test_as_many_bytes_pass_as_may_and_not_one_more(pieces: list[bytes], most: int) -> None:
    context = request("POST")
    context.body_length = -1
    policy_case(NAME, {"maxBodyBytes": most}).send(context)
    (counting,) = context.request_filters or ()
    assert counting.keeps_length
    whole = b"".join(pieces)
    if len(whole) > most:
        with pytest.raises(Refused):
            passed_on(counting, pieces)
    else:
        assert passed_on(counting, pieces) == whole


@pytest.mark.parametrize("config", [{"maxBodyBytes": -1}, {"maxHeaders": 20_000}, {"maxHeaderBytes": 1 << 21}])
def test_settings_that_cannot_be_are_refused(config: dict[str, int]) -> None:
    with pytest.raises(ConfigFault):
        policy_case(NAME, config)
