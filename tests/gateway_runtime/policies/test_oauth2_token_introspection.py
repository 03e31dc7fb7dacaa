"""Tokens that somebody else is asked about."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_runtime.fetching.client import FetchError
from gateway_runtime.policies.token_enforcement import exposed_headers
from gateway_runtime.schema.document import Consumer
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import policy_case, request

from .token_provider import Answer, FakeProvider, play, says, verdict

NAME = "oauth2-token-introspection"
URL = "https://login.example/introspect"
CONFIG: dict[str, Any] = {
    "introspectionURL": URL, "authorizationValue": "Basic YTpi", "skipClientIdValidation": True,
}  # fmt: skip
GOOD = (200, "")
INVALID, AWAY = (400, "introspection_invalid"), (401, "introspection_unavailable")
BAD, NO_SCOPE = (500, "introspection_bad_answer"), (403, "introspection_scope")
NOW = 1000  # what the clock says at first


def judged(answer: Answer, token: str | None = "good", *, consumers: Any = (), strangers: Any = (), **more: Any) -> Any:
    async def whole() -> tuple[int, str]:
        case = FakeProvider(answer).case(NAME, {**CONFIG, **more}, consumers=consumers, strangers=strangers)
        return await verdict(case, token)

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (says({"active": True}), GOOD),
        (says({"active": False}), INVALID),
        (says({"active": False, "sub": "ada"}), INVALID),
        (says({"active": "true"}), BAD),
        (says({"active": 1}), BAD),
        (says({"active": None}), BAD),
        (says({"Active": True}), BAD),
        (says({}), BAD),
        (says([True]), BAD),
        (says(b"true"), BAD),
        (says(b""), BAD),
        (says(b"<html>"), BAD),
        (says(b'{"active":false,"active":true}'), BAD),
        (says(b'{"active":true,"exp":NaN}'), BAD),
        (says(b'{"active":true' + b"[" * 9000), BAD),
        (says({"active": True}, 201), BAD),
        (says({"active": True}, 302), BAD),
        (says({"active": True}, 404), BAD),
        (says({"active": True}, 400), BAD),
        (says({"error": "invalid_request"}, 400), BAD),
        (says([], 400), BAD),
        (says({"error": "unsupported_token_type"}, 400), INVALID),
        (says({"active": True}, 401), AWAY),
        (says({"active": True}, 403), AWAY),
        (says({"active": True}, 429), AWAY),
        (says({"active": True}, 500), AWAY),
        (says({"active": True}, 503), AWAY),
        (FetchError("timeout"), AWAY),
        (FetchError("address_refused"), AWAY),
        (FetchError("too_large"), AWAY),
        (says({"active": True, "exp": NOW + 1}), GOOD),
        (says({"active": True, "exp": NOW}), INVALID),
        (says({"active": True, "exp": 0}), INVALID),
        (says({"active": True, "exp": "9999"}), BAD),
        (says({"active": True, "exp": True}), BAD),
        (says({"active": True, "nbf": NOW}), GOOD),
        (says({"active": True, "nbf": NOW + 1}), INVALID),
        (says({"active": True, "token_type": "Bearer"}), GOOD),
        (says({"active": True, "token_type": "bearer"}), GOOD),
        (says({"active": True, "token_type": "refresh_token"}), INVALID),
        (says({"active": True, "token_type": "DPoP"}), INVALID),
        (says({"active": True, "token_type": None}), INVALID),
        (says({"active": True, "cnf": {"jkt": "x"}}), INVALID),
        (says({"active": True, "token_use": "access_token"}), GOOD),
        (says({"active": True, "token_use": "refresh_token"}), INVALID),
        (says({"active": True, "typ": "Refresh"}), INVALID),
        (says({"active": True, "typ": ["Bearer"]}), GOOD),
    ],
)
def test_only_a_clear_yes_lets_a_token_pass(answer: Answer, expected: tuple[int, str]) -> None:
    assert judged(answer) == expected


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "Basic YTpi")],
        [("authorization", "Bearergood")],
        [("authorization", "Bearer good"), ("authorization", "Bearer good")],
    ],
    ids=repr,
)
def test_without_one_token_nobody_is_asked(headers: list[tuple[str, str]]) -> None:
    provider = FakeProvider()
    refused = provider.case(NAME, CONFIG).send(request(headers=headers))
    assert refused is not None
    assert (refused.status, refused.code, refused.policy) == (400, "introspection_missing", NAME)
    assert refused.headers == ((b"www-authenticate", b'Bearer realm="portico"'),)
    assert provider.asked == []


@pytest.mark.parametrize(
    "token",
    ["a b", "a,b", "a&token=c", "\xe9", "a=b", "=a", "a\tb", '"good"', "a\0", "x" * 20_000, "<a>", "a;b", "%61"],
)
def test_what_is_not_written_as_tokens_are_is_refused_without_asking(token: str) -> None:
    provider = FakeProvider()
    refused = provider.case(NAME, CONFIG).send(request(headers={"authorization": f"Bearer {token}"}))
    assert refused is not None
    assert (refused.status, refused.code) == INVALID
    assert provider.asked == []


def test_the_question_is_a_form_with_the_gateways_own_credentials() -> None:
    async def scenario(provider: FakeProvider) -> None:
        case = provider.case(NAME, {**CONFIG, "authenticationTimeout": 2500})
        assert await verdict(case, "a+b/c~d.e_f-g==") == GOOD
        form = b"token=a%2Bb%2Fc~d.e_f-g%3D%3D&token_type_hint=access_token"
        assert provider.asked == [("/introspect", form)]
        assert provider.headers[0]["authorization"] == "Basic YTpi"
        assert provider.headers[0]["content-type"] == "application/x-www-form-urlencoded"
        assert provider.seconds == 2.5

    play(scenario)


@pytest.mark.parametrize(
    ("scope", "wanted", "criterion", "passes"),
    [
        ("a b c", "a b", "AND", True),
        ("a", "a b", "AND", False),
        ("a", "a b", "OR", True),
        ("c", "a b", "OR", False),
        ("", "a", "OR", False),
        (None, "a", "AND", False),
        (["a", "b"], "a b", "AND", True),
        ("A", "a", "AND", False),
        ("ab", "a", "AND", False),
        ("a,b", "a", "AND", False),
        (7, "a", "AND", False),
        ({"a": 1}, "a", "AND", False),
        ([["a"]], "a", "AND", False),
        ("x", "", "AND", True),
        (None, "", "OR", True),
    ],
)
def test_scopes_are_compared_whole(scope: Any, wanted: str, criterion: str, passes: bool) -> None:
    answer = says({"active": True} | ({} if scope is None else {"scope": scope}))
    expected = GOOD if passes else NO_SCOPE
    assert judged(answer, scopes=wanted, scopeValidationCriteria=criterion) == expected


@pytest.mark.parametrize(("fields", "expected"), [({"token_type": "Bearer"}, GOOD), ({}, INVALID)])
def test_a_token_can_have_to_say_that_it_is_a_bearer_token(fields: dict[str, str], expected: tuple[int, str]) -> None:
    answer = says({"active": True, **fields})
    assert judged(answer, requireTokenType=True) == expected
    assert judged(answer) == GOOD


def test_a_missing_scope_is_named_in_the_challenge() -> None:
    async def scenario(provider: FakeProvider) -> None:
        case = provider.case(NAME, {**CONFIG, "scopes": "orders:write orders:read"})
        refused = await case.ask(request(headers={"authorization": "Bearer good"}))
        assert refused is not None
        challenge = b'Bearer realm="portico", error="insufficient_scope", scope="orders:read orders:write"'
        assert refused.headers == ((b"www-authenticate", challenge),)

    play(scenario)


SHOP = Consumer(id="shop", name="Shop", client_id="shop-id")
STRANGER = Consumer(id="stranger", name="Stranger", client_id="stranger-id")


@pytest.mark.parametrize(
    ("fields", "by", "expected"),
    [
        ({"client_id": "shop-id"}, "client_id", GOOD),
        ({"client_id": "stranger-id"}, "client_id", (403, "introspection_no_contract")),
        ({"client_id": "nobody"}, "client_id", (403, "introspection_client_unknown")),
        ({"client_id": ["shop-id"]}, "client_id", (403, "introspection_client_unknown")),
        ({"client_id": "SHOP-ID"}, "client_id", (403, "introspection_client_unknown")),
        ({"client_id": "\ud800"}, "client_id", (403, "introspection_client_unknown")),
        ({}, "client_id", (403, "introspection_client_unknown")),
        ({"username": "shop-id"}, "client_id", (403, "introspection_client_unknown")),
        ({"username": "shop-id"}, "username", GOOD),
        ({"client_id": "shop-id"}, "username", (403, "introspection_client_unknown")),
    ],
)
def test_the_client_of_a_token_needs_a_contract_unless_any_client_may(fields: dict, by: str, expected: tuple) -> None:
    answer = says({"active": True, **fields})
    known = {"consumers": [SHOP], "strangers": [STRANGER], "consumerBy": by}
    assert judged(answer, skipClientIdValidation=False, **known) == expected
    assert judged(answer, skipClientIdValidation=True, **known) == GOOD


def test_later_policies_know_who_calls() -> None:
    async def scenario(provider: FakeProvider) -> None:
        fields = {"active": True, "client_id": "shop-id", "sub": "ada"}
        provider.otherwise = says(fields)
        case = provider.case(NAME, {**CONFIG, "skipClientIdValidation": False}, consumers=[SHOP])
        for _ in range(2):
            context = request(headers={"authorization": "bearer good"})
            assert await case.ask(context) is None
            assert (context.application, context.application_name, context.principal) == ("shop", "Shop", b"ada")
            expected = {"authentication.properties": {"claims": fields}, "authentication.clientId": "shop-id"}
            assert context.notes == expected

    play(scenario)


def test_the_service_is_told_scalar_fields_and_never_what_a_caller_says() -> None:
    fields = {
        "active": True, "sub": "ada", "client_id": "x", "exp": 9999, "iat": 5, "level": 1.5, "admin": False,
        "scope": "a", "aud": ["a"], "ext": {"a": 1}, "nothing": None, "evil": "a\r\nx: y", "nul": "\0",
        "bad name": "x", "naïve": "x", "Team": "1", "team": "2", "a_b": "1", "a-b": "2", "long": "x" * 5000,
        "half": "\ud800", "city": "Zürich",
    }  # fmt: skip

    async def scenario(provider: FakeProvider) -> None:
        provider.otherwise = says(fields)
        case = provider.case(NAME, {**CONFIG, "exposeHeaders": True})
        for _ in range(2):
            context = request(headers={"authorization": "Bearer good", "X-AGW-sub": "admin", "x-agw-role": "admin"})
            assert await case.ask(context) is None
            told = {name: value for name, value in context.headers if name.startswith(b"x-agw-")}
            assert told == {
                b"x-agw-active": b"true", b"x-agw-sub": b"ada", b"x-agw-client_id": b"x", b"x-agw-iat": b"5",
                b"x-agw-level": b"1.5", b"x-agw-admin": b"false", b"x-agw-city": "Zürich".encode(),
            }  # fmt: skip

    play(scenario)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.floats() | st.integers() | st.text()))
def test_whatever_a_token_says_its_headers_are_single_lines_with_plain_names(claims: dict[str, Any]) -> None:
    names = []
    for name, value in exposed_headers(json.loads(json.dumps(claims))):
        assert name.removeprefix(b"x-agw-").replace(b"-", b"").replace(b"_", b"").isalnum()
        assert not set(value) & {0, 10, 13}
        names.append(name)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"introspectionURL": "file:///etc/passwd"}, "is not a URL that can be fetched"),
        ({"introspectionURL": "https://ada:sesame@login.example/"}, "This is not a URL"),
        ({"introspectionURL": ""}, "is not a URL that can be fetched"),
        ({"authorizationValue": ""}, "authorizationValue"),
        ({"authorizationValue": "sesame"}, "Basic or Bearer, a space"),
        ({"authorizationValue": "Basic sesame\r\nx: y"}, "cannot contain line breaks"),
        ({"authorizationValue": "Basic sésame"}, "Basic or Bearer, a space"),
        ({"scopes": 'a"b'}, "separated by spaces"),
        ({"scopes": "a\nb"}, "separated by spaces"),
        ({"scopeValidationCriteria": "XOR"}, "Invalid enum value"),
        ({"consumerBy": "sub"}, "Invalid enum value"),
        ({"validatedTokenTTL": -1}, "validatedTokenTTL"),
        ({"authenticationTimeout": 0}, "authenticationTimeout"),
        ({"maxCacheEntries": -1}, "maxCacheEntries"),
    ],
)
def test_unusable_settings_are_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, {**CONFIG, **more})
    assert words in f"{caught.value.path} {caught.value.message}"
    assert "sesame" not in caught.value.message


@pytest.mark.parametrize("missing", ["introspectionURL", "authorizationValue"])
def test_what_is_required_has_to_be_said(missing: str) -> None:
    with pytest.raises(ConfigFault):
        policy_case(NAME, {name: value for name, value in CONFIG.items() if name != missing})


def test_the_authorization_is_secret_and_in_no_repr() -> None:
    case = policy_case(NAME)
    assert case.definition.secret_settings() == ("authorizationValue",)
    config = case.definition.config(introspection_url=URL, authorization_value="Basic sesame")  # type: ignore[call-arg]
    assert "sesame" not in repr(config)
