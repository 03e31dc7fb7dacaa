import pytest

from gateway_runtime.policies.results import Response
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import policy_case, request

NAME = "maintenance"


def answer(**config: object) -> Response:
    found = policy_case(NAME, dict(config)).send(request("DELETE", "/x"))
    assert found is not None
    return found


def test_without_settings_it_is_a_problem() -> None:
    found = answer()
    assert (found.status, found.code, found.policy) == (503, "under_maintenance", NAME)
    assert (found.headers, found.body) == ((), None)


def test_the_answer_is_as_it_is_set() -> None:
    found = answer(status=410, body="gone – for good", contentType="text/html; charset=utf-8", retryAfterSeconds=60)
    assert (found.status, found.code, found.policy) == (410, "under_maintenance", NAME)
    assert found.headers == ((b"content-type", b"text/html; charset=utf-8"), (b"retry-after", b"60"))
    assert found.body == "gone – for good".encode()


@pytest.mark.parametrize(("status", "body"), [(200, "ok"), (204, ""), (301, ""), (304, "")])
def test_what_is_no_error_is_not_counted_as_refused(status: int, body: str) -> None:
    found = answer(status=status, body=body)
    assert (found.status, found.body, found.code, found.policy) == (status, body.encode(), "", "")


def test_every_request_gets_the_same_object() -> None:
    case = policy_case(NAME)
    assert case.send(request()) is case.send(request())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"status": 100}, "Use 200 or more."),
        ({"status": 600}, "Use 599 or less."),
        ({"status": 204, "body": "x"}, "An answer with the status 204 has no body"),
        ({"status": 304, "body": "x"}, "has no body"),
        ({"contentType": "text/plain\r\nset-cookie: a=b"}, "regex"),
        ({"contentType": "text"}, "regex"),
        ({"retryAfterSeconds": -1}, "Use 0 or more."),
    ],
)
def test_unusable_settings_are_refused(config: dict, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, config)
    assert words in caught.value.message
