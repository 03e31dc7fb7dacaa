from base64 import b64encode

import pytest

from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request

NAME = "http-basic-authentication"


@pytest.fixture
def case() -> PolicyCase:
    return policy_case(NAME, {"username": "ada", "password": "sésame:1"})


def basic(credentials: str, scheme: str = "Basic") -> dict[str, str]:
    return {"Authorization": f"{scheme} {b64encode(credentials.encode()).decode()}"}


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_right_credentials_pass_and_name_the_principal(case: PolicyCase, scheme: str) -> None:
    context = request(headers=basic("ada:sésame:1", scheme))
    assert case.send(context) is None
    assert context.principal == b"ada"
    assert context.header(b"authorization") is not None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer abc"},
        {"Authorization": ""},
        [*basic("ada:sésame:1").items(), *basic("ada:sésame:1").items()],
    ],
    ids=["none", "other scheme", "empty", "twice"],
)
def test_missing_credentials_are_401(case: PolicyCase, headers: dict[str, str]) -> None:
    refused = case.send(request(headers=headers))
    assert refused is not None
    assert (refused.status, refused.code, refused.policy) == (401, "basic_credentials_missing", NAME)
    assert refused.headers == ((b"www-authenticate", b'Basic realm="portico", charset="UTF-8"'),)


@pytest.mark.parametrize(
    "headers",
    [
        basic("ada:wrong"),
        basic("eve:sésame:1"),
        basic("ada"),
        basic(""),
        basic("ada:sésame:1 "),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic YWRh=OnM"},
        {"Authorization": "Basic \xff\xfe"},
    ],
)
def test_wrong_credentials_are_401(case: PolicyCase, headers: dict[str, str]) -> None:
    context = request(headers=headers)
    refused = case.send(context)
    assert refused is not None
    assert (refused.status, refused.code) == (401, "basic_credentials_invalid")
    assert context.principal == b""


@pytest.mark.parametrize(
    ("config", "path", "words"),
    [
        ({"username": "a:b", "password": "x"}, "", "cannot contain a colon"),
        ({"username": "", "password": "x"}, "username", "length"),
        ({"username": "a"}, "password", "required"),
    ],
)
def test_unusable_settings_are_refused(config: dict[str, str], path: str, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, config)
    assert caught.value.path == path
    assert words in caught.value.message
