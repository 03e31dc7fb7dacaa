"""LDAP authentication with a directory that is not there: what is asked, what is remembered, what is refused."""

import asyncio
import inspect
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.directories.directory import Directories
from gateway_runtime.policies.ldap_authentication import LONGEST_NAME, LONGEST_PASSWORD, read_credentials
from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import FakeClock, PolicyCase, policy_case, request
from gateway_runtime.upstream.connecting import Surroundings
from gateway_runtime.upstream.resolving import Resolver
from tests.certificates import Authority
from tests.gateway_runtime.directories.fakes import FakeLdap

SETTINGS = {
    "ldapServerURL": "ldap://192.0.2.1",
    "ldapServerUserDn": "cn=gateway,dc=example,dc=com",
    "ldapServerUserPassword": "manager",
    "ldapSearchBase": "dc=example,dc=com",
}


def case_with(ldap: FakeLdap, clock: FakeClock, **more: Any) -> PolicyCase:
    directories = Directories(Surroundings(Resolver(), allow_private=True), clock, ldap)  # type: ignore[arg-type]
    return policy_case("ldap-authentication", SETTINGS | more, clock=clock, directories=directories)


def sent(name: str = "ada", password: str = "sesame") -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


def ask(case: PolicyCase, headers: Any) -> tuple[int, str]:
    refused = asyncio.run(case.ask(request(headers=headers)))
    return (200, "") if refused is None else (refused.status, refused.code)


def test_accepted_credentials_are_asked_about_once_and_then_pass_without_waiting() -> None:
    ldap, clock = FakeLdap(), FakeClock()
    case = case_with(ldap, clock)
    assert ask(case, sent()) == (200, "")
    context = request(headers=sent())
    assert case.send(context) is None
    assert context.principal == b"ada"
    assert context.notes == {"authentication.properties": {"dn": "uid=ada,ou=people,dc=example,dc=com"}}
    assert ldap.asked == ["ada"]


def test_they_are_asked_about_again_when_their_time_is_over() -> None:
    ldap, clock = FakeLdap(), FakeClock()
    case = case_with(ldap, clock, cacheSeconds=30)
    assert ask(case, sent()) == (200, "")
    ldap.people["ada"] = "changed"
    clock.advance(29.9)
    assert ask(case, sent()) == (200, "")
    clock.advance(0.1)
    assert ask(case, sent()) == (401, "ldap_credentials_invalid")


def test_without_a_time_to_remember_every_request_asks() -> None:
    ldap, clock = FakeLdap(), FakeClock()
    case = case_with(ldap, clock, cacheSeconds=0)
    assert [ask(case, sent()) for _ in range(3)] == [(200, "")] * 3
    assert ldap.asked == ["ada"] * 3


def test_a_refusal_is_remembered_for_a_second() -> None:
    ldap, clock = FakeLdap(), FakeClock()
    case = case_with(ldap, clock)
    for _ in range(3):
        assert ask(case, sent(password="new")) == (401, "ldap_credentials_invalid")
    assert len(ldap.asked) == 1
    ldap.people["ada"] = "new"
    clock.advance(1)
    assert ask(case, sent(password="new")) == (200, "")


def test_a_failure_is_not_remembered_at_all() -> None:
    ldap, clock = FakeLdap(), FakeClock()
    case = case_with(ldap, clock)
    ldap.fails = "refused"
    assert ask(case, sent()) == (503, "ldap_unavailable")
    ldap.fails = ""
    assert ask(case, sent()) == (200, "")


def test_more_than_one_entry_is_refused() -> None:
    case = case_with(FakeLdap(), FakeClock())
    assert ask(case, sent("twins")) == (401, "ldap_user_ambiguous")


def test_what_is_remembered_survives_a_revision_but_not_other_settings() -> None:
    ldap, clock = FakeLdap(), FakeClock()
    directories = Directories(Surroundings(Resolver(), allow_private=True), clock, ldap)  # type: ignore[arg-type]
    first = policy_case("ldap-authentication", SETTINGS, clock=clock, directories=directories)
    assert ask(first, sent()) == (200, "")
    again = policy_case("ldap-authentication", SETTINGS, clock=clock, directories=directories)
    assert again.send(request(headers=sent())) is None
    other = {**SETTINGS, "ldapSearchBase": "dc=other,dc=com"}
    case = policy_case("ldap-authentication", other, clock=clock, directories=directories)
    waiting = case.handlers.request_headers(request(headers=sent()))  # type: ignore[misc]
    assert inspect.iscoroutine(waiting)
    waiting.close()


@pytest.mark.parametrize(
    "credentials",
    [b"ada:", b":sesame", b"ada", b"", b"a\0b:x", b"ada:x\0", b"ada:\0", b"a\nb:x", b"\xff:x", b"ada:\xff",
     b"a" * (LONGEST_NAME + 1) + b":x", b"ada:" + b"x" * (LONGEST_PASSWORD + 1)],
)  # fmt: skip
def test_what_no_directory_is_asked_about(credentials: bytes) -> None:
    ldap = FakeLdap()
    case = case_with(ldap, FakeClock())
    headers = {"authorization": "Basic " + b64encode(credentials).decode()}
    assert ask(case, headers) == (401, "ldap_credentials_invalid")
    assert ldap.asked == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "ldap_credentials_missing"),
        ([("authorization", "Basic YTpi"), ("authorization", "Basic YTpi")], "ldap_credentials_missing"),
        ({"authorization": "Bearer YTpi"}, "ldap_credentials_missing"),
        ({"authorization": "Basic"}, "ldap_credentials_invalid"),
        ({"authorization": "Basic YTp$"}, "ldap_credentials_invalid"),
    ],
)
def test_a_request_without_credentials_is_challenged(headers: Any, code: str) -> None:
    refused = case_with(FakeLdap(), FakeClock()).send(request(headers=headers))
    assert refused is not None
    assert (refused.status, refused.code) == (401, code)
    assert refused.headers == ((b"www-authenticate", b'Basic realm="mule-realm"'),)


@given(st.binary(max_size=60))
def test_whatever_is_read_is_a_name_and_a_password(data: bytes) -> None:
    found = read_credentials(b64encode(data))
    if found is not None:
        name, password = found
        assert name.encode() + b":" + password == data
        assert name.isprintable()
        assert password


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"ldapServerURL": "http://directory"}, "A server URL is ldap:// or ldaps://"),
        ({"ldapServerURL": "ldap://user@directory"}, "A server URL is ldap:// or ldaps://"),
        ({"ldapServerURL": "ldap://directory:0"}, "A server URL is ldap:// or ldaps://"),
        ({"ldapServerURL": "ldap://directory:70000"}, "A server URL is ldap:// or ldaps://"),
        ({"ldapServerURL": "ldap://directory/dc=x"}, "A server URL is ldap:// or ldaps://"),
        ({"ldapServerUserDn": "gateway"}, "The user DN is not a distinguished name"),
        ({"ldapSearchBase": "example.com"}, "The search base is not a distinguished name"),
        ({"ldapSearchFilter": "(uid=ada)"}, "A search filter holds {0}"),
        ({"ldapSearchFilter": "uid={0}"}, "This is not a search filter"),
        ({"ldapServerURL": "ldaps://directory", "trustedCa": "abc"}, "The trusted CA is not a certificate"),
        ({"trustedCa": Authority().pem}, "A trusted CA is for ldaps:// only"),
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        read_config(definition("ldap-authentication"), SETTINGS | wrong)
    assert caught.value.message.startswith(sentence)


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("ldap://127.0.0.1:389", "127.0.0.1", 389, False),
        ("ldap://directory.example", "directory.example", 389, False),
        ("ldaps://directory.example/", "directory.example", 636, True),
        ("ldaps://[2001:db8::1]:1636", "2001:db8::1", 1636, True),
    ],
)
def test_the_server_in_a_url(url: str, host: str, port: int, tls: bool) -> None:
    config: Any = read_config(definition("ldap-authentication"), SETTINGS | {"ldapServerURL": url})
    found = config.directory()
    assert (found.host, found.port, found.tls) == (host, port, tls)


def test_the_manager_password_is_secret() -> None:
    assert definition("ldap-authentication").secret_settings() == ("ldapServerUserPassword",)
