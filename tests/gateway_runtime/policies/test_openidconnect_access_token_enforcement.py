"""Tokens of one OpenID provider, checked by its keys, by introspection or by its userinfo."""

import asyncio
from typing import Any

import pytest

from gateway_runtime.fetching.client import FetchError
from gateway_runtime.schema.document import Consumer
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request

from .token_provider import Answer, FakeProvider, play, says, verdict, waits
from .tokens import SECRET, ec_jwk, ec_key, key_set, pem_text, rsa_jwk, rsa_key, token

NAME = "openidconnect-access-token-enforcement"
ISSUER = "https://login.example"
GOOD = (200, "")
INVALID, AWAY = (400, "openid_invalid"), (401, "openid_unavailable")
BAD, NO_SCOPE = (500, "openid_bad_answer"), (403, "openid_scope")
NOW = 1000
METADATA = {
    "issuer": ISSUER,
    "jwks_uri": f"{ISSUER}/jwks",
    "introspection_endpoint": f"{ISSUER}/introspect",
    "userinfo_endpoint": f"{ISSUER}/me",
}
DISCOVERY = "openid-configuration"
A, B = rsa_jwk(rsa_key("a"), kid="a"), rsa_jwk(rsa_key("b"), kid="b")
CLIENT = {"clientId": "gate way", "clientSecret": "s:cret"}


def provider(**answers: Answer) -> FakeProvider:
    usual = {DISCOVERY: says(METADATA), "jwks": says(key_set(A, ec_jwk(ec_key(), kid="e")))}
    return FakeProvider(says({}, 404), **(usual | answers))


def signed(name: str = "a", *, algorithm: str = "RS256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    said = {"iss": ISSUER, "sub": "ada", "exp": NOW + 3600, "scope": "x", **claims}
    said = {claim: value for claim, value in said.items() if value is not None}
    key = ec_key() if algorithm == "ES256" else rsa_key(name)
    return token(said, key, algorithm, **({"kid": "e" if algorithm == "ES256" else name} | (header or {})))


def case(of: FakeProvider, *, consumers: Any = (), strangers: Any = (), kept: Any = None, **more: Any) -> PolicyCase:
    return of.case(NAME, {"issuer": ISSUER, **more}, consumers=consumers, strangers=strangers, kept=kept)


def judged(text: str, of: FakeProvider | None = None, **more: Any) -> tuple[int, str]:
    async def whole() -> tuple[int, str]:
        return await verdict(case(of or provider(), **more), text)

    return asyncio.run(whole())


# Signatures


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (signed(), GOOD),
        (signed(algorithm="RS512"), GOOD),
        (signed(algorithm="ES256"), GOOD),
        (signed(header={"typ": "at+jwt"}), GOOD),
        (signed(header={"typ": "application/at+jwt"}), GOOD),
        (signed(header={"kid": None}), GOOD),
        (signed(scope=None), INVALID),
        (signed(scope=None, header={"typ": "JWT"}), INVALID),
        (signed(scope=None, header={"typ": "at+jwt"}), GOOD),
        (signed(scope=None, client_id="shop"), GOOD),
        (signed(scope=None, aud="shop", azp="shop", nonce="n"), INVALID),
        (signed("evil", header={"kid": "a"}), INVALID),
        (signed("evil"), INVALID),
        (signed(algorithm="PS256"), INVALID),
        (token({"iss": ISSUER, "exp": 9999}, SECRET, "HS256", kid="a"), INVALID),
        (token({"iss": ISSUER, "exp": 9999}, pem_text(rsa_key("a")), "HS256", kid="a"), INVALID),
        (signed(header={"alg": "none"}), INVALID),
        (signed(header={"crit": ["x"]}), INVALID),
        (signed("evil", header={"jwk": rsa_jwk(rsa_key("evil"))}), INVALID),
        ("opaque", INVALID),
        (signed()[:-4], INVALID),
        (signed(iss=ISSUER + "/"), INVALID),
        (signed(iss="https://login.example.evil"), INVALID),
        (signed(iss=[ISSUER]), INVALID),
        (signed(iss=None), INVALID),
        (signed(exp=NOW), INVALID),
        (signed(exp=None), INVALID),
        (signed(exp="9999"), INVALID),
        (signed(nbf=NOW + 1), INVALID),
        (signed(cnf={"jkt": "x"}), INVALID),
        (signed(at_hash="x"), INVALID),
        (signed(c_hash="x"), INVALID),
        (signed(token_use="id"), INVALID),
        (signed(token_use="access"), GOOD),
        (signed(typ="ID"), INVALID),
        (signed(typ="Refresh"), INVALID),
        (signed(typ="Bearer"), GOOD),
        (signed(header={"typ": "logout+jwt"}), INVALID),
        (signed(header={"typ": "dpop+jwt"}), INVALID),
        (signed(header={"typ": "rt+jwt"}), INVALID),
    ],
    # Tokens differ from run to run, so they are no names.
    ids=lambda value: value[1] if isinstance(value, tuple) else "token",
)
def test_only_access_tokens_of_the_issuer_pass(text: str, expected: tuple[int, str]) -> None:
    assert judged(text) == expected


@pytest.mark.parametrize(
    ("aud", "passes"),
    [
        ("https://api.example", True),
        (["x", "https://api.example"], True),
        ("other", True),
        ("https://api.example/", False),
        ("https://API.example", False),
        ([], False),
        ("", False),
        (None, False),
        (["https://api.example", 7], False),
    ],
)
def test_the_audience_is_compared_letter_by_letter_where_it_is_set(aud: Any, passes: bool) -> None:
    expected = GOOD if passes else INVALID
    assert judged(signed(aud=aud), audiences="https://api.example, other") == expected
    assert judged(signed(aud=aud)) == GOOD


def test_a_known_token_waits_for_nobody_until_its_end() -> None:
    async def scenario(of: FakeProvider) -> None:
        checked = case(of)
        text = signed(exp=NOW + 60)
        assert await verdict(checked, text) == GOOD
        assert not waits(checked, text)
        of.clock.advance(59)
        assert not waits(checked, text)
        of.clock.advance(1)
        assert await verdict(checked, text) == INVALID
        assert [target for target, _ in of.asked] == ["/.well-known/openid-configuration", "/jwks"]

    play(scenario, provider)


def test_new_keys_are_found_at_once_and_tokens_of_old_ones_are_forgotten_with_them() -> None:
    async def scenario(of: FakeProvider) -> None:
        checked = case(of)
        assert await verdict(checked, signed()) == GOOD
        of.clock.advance(10)
        of.answers["jwks"] = says(key_set(A, B))
        assert await asyncio.gather(*(verdict(checked, signed("b", jti=str(n))) for n in range(20))) == [GOOD] * 20
        assert await verdict(checked, signed()) == GOOD
        of.clock.advance(10)
        of.answers["jwks"] = says(key_set(B))
        assert await verdict(checked, signed("c")) == INVALID
        assert await verdict(checked, signed()) == INVALID
        assert await verdict(checked, signed("b")) == GOOD

    play(scenario, provider)


def test_while_the_provider_is_away_its_last_keys_are_used() -> None:
    async def scenario(of: FakeProvider) -> None:
        checked = case(of)
        assert await verdict(checked, signed(exp=NOW + 9000)) == GOOD
        of.answers = {DISCOVERY: FetchError("refused"), "jwks": FetchError("refused")}
        of.clock.advance(7200)
        assert await verdict(checked, signed(exp=NOW + 9001)) == GOOD
        of.clock.advance(24 * 3600)
        assert await verdict(checked, signed(exp=NOW + 999_999)) == AWAY

    play(scenario, provider)


def test_known_tokens_survive_a_republish() -> None:
    async def scenario(of: FakeProvider) -> None:
        first = case(of)
        text = signed(scope="a")
        assert await verdict(first, text) == GOOD
        again = case(of, kept=first.kept, scopes="a")
        assert not waits(again, text)
        assert await verdict(case(of, kept=first.kept, scopes="b"), text) == NO_SCOPE
        assert waits(case(of, kept=first.kept, maxCacheSize=0), text)
        assert await verdict(case(of, kept=first.kept, audiences="x"), text) == INVALID
        assert len(of.asked) == 2

    play(scenario, provider)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (says(METADATA), GOOD),
        (says({**METADATA, "issuer": ISSUER + "/"}), BAD),
        (says({**METADATA, "issuer": "https://evil.example"}), BAD),
        (says({**METADATA, "jwks_uri": "http://login.example/jwks"}), BAD),
        (says({**METADATA, "jwks_uri": "file:///etc/passwd"}), BAD),
        (says({**METADATA, "jwks_uri": "https://ada:sesame@login.example/jwks"}), BAD),
        (says({**METADATA, "jwks_uri": None}), BAD),
        (says({"issuer": ISSUER}), BAD),
        (says({}), AWAY),
        (says([]), AWAY),
        (says(b"<html>"), AWAY),
        (says(b'{"issuer":"https://login.example","issuer":"x"}'), AWAY),
        (says(METADATA, 302), AWAY),
        (FetchError("timeout"), AWAY),
    ],
)
def test_what_discovery_says_is_not_believed_blindly(metadata: Answer, expected: tuple[int, str]) -> None:
    assert judged(signed(), provider(**{DISCOVERY: metadata})) == expected


@pytest.mark.parametrize("keys", [FetchError("refused"), says(b"{}"), says(key_set(A), 500)])
def test_without_keys_nobody_passes(keys: Answer) -> None:
    assert judged(signed(), provider(jwks=keys)) == AWAY


def test_a_named_key_set_needs_no_discovery() -> None:
    of = provider()
    assert judged(signed(), of, jwksURL=f"{ISSUER}/jwks") == GOOD
    assert [target for target, _ in of.asked] == ["/jwks"]


# Introspection and userinfo


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (says({"active": True}), GOOD),
        (says({"active": True, "iss": ISSUER}), GOOD),
        (says({"active": True, "iss": ISSUER + "/"}), INVALID),
        (says({"active": False}), INVALID),
        (says({"active": "true"}), BAD),
        (says({}, 401), AWAY),
        (FetchError("timeout"), AWAY),
    ],
)
def test_tokens_can_be_introspected(answer: Answer, expected: tuple[int, str]) -> None:
    of = provider(introspect=answer)
    assert judged("opaque", of, checkedBy="introspection", **CLIENT) == expected
    assert [target for target, _ in of.asked] == ["/.well-known/openid-configuration", "/introspect"]
    # “gate+way:s%3Acret”
    assert of.headers[1]["authorization"] == "Basic Z2F0ZSt3YXk6cyUzQWNyZXQ="


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (says({"sub": "ada", "email": "ada@example.test"}), GOOD),
        (says({"sub": ""}), BAD),
        (says({"email": "ada@example.test"}), BAD),
        (says(b"eyJ.x.y"), BAD),
        (says({"sub": "ada"}, 204), BAD),
        (says({}, 401), INVALID),
        (says({}, 403), INVALID),
        (says({}, 500), AWAY),
        (FetchError("timeout"), AWAY),
    ],
)
def test_the_user_of_a_token_can_be_asked_for(answer: Answer, expected: tuple[int, str]) -> None:
    of = provider(me=answer)
    assert judged("opaque", of, checkedBy="userinfo") == expected
    assert of.headers[1]["authorization"] == "Bearer opaque"


def times_asked(seconds: float, **more: Any) -> int:
    """Return how often the provider is asked about a token that is sent now and after so many seconds."""
    answer = more.pop("answer")

    async def whole() -> int:
        of = provider(introspect=says(answer))
        checked = case(of, checkedBy="introspection", introspectionURL=f"{ISSUER}/introspect", **CLIENT, **more)
        assert await verdict(checked, "opaque") == GOOD
        of.clock.advance(seconds)
        await verdict(checked, "opaque")
        return len(of.asked)

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("seconds", "answer", "more", "asked"),
    [
        (59, {"exp": NOW + 60}, {}, 1),
        (60, {"exp": NOW + 60}, {}, 2),
        (0, {}, {}, 2),
        (0, {"exp": NOW + 60}, {"maxCacheSize": 0}, 2),
        (9, {"exp": NOW + 60}, {"maxFederationExpirationTime": 10}, 1),
        (10, {"exp": NOW + 60}, {"maxFederationExpirationTime": 10}, 2),
        (60, {"exp": NOW + 60}, {"maxFederationExpirationTime": 999}, 2),
        (9, {}, {"maxFederationExpirationTime": 10}, 1),
        (10, {}, {"maxFederationExpirationTime": 10}, 2),
        (0, {"exp": NOW + 60}, {"maxFederationExpirationTime": 0}, 2),
    ],
)
def test_a_token_is_known_until_its_end_or_the_longest_trust(
    seconds: float, answer: dict, more: dict, asked: int
) -> None:
    assert times_asked(seconds, answer={"active": True, **answer}, **more) == asked


# What a good token is asked for


@pytest.mark.parametrize(
    ("claims", "more", "expected"),
    [
        ({"scope": "a b"}, {"scopes": "a b"}, GOOD),
        ({"scope": "a"}, {"scopes": "a b"}, NO_SCOPE),
        ({"scope": "a"}, {"scopes": "a b", "scopeValidationCriteria": "OR"}, GOOD),
        ({"scope": None, "scp": ["a"]}, {"scopes": "a"}, GOOD),
        ({}, {"scopes": "a"}, NO_SCOPE),
        ({"client_id": "shop-id"}, {"skipClientIdValidation": False}, GOOD),
        ({"azp": "shop-id"}, {"skipClientIdValidation": False}, GOOD),
        ({"client_id": "x", "azp": "shop-id"}, {"skipClientIdValidation": False}, (403, "openid_client_unknown")),
        ({"client_id": "stranger-id"}, {"skipClientIdValidation": False}, (403, "openid_no_contract")),
        ({}, {"skipClientIdValidation": False}, (403, "openid_client_unknown")),
        ({}, {}, GOOD),
    ],
)
def test_scopes_and_contracts(claims: dict[str, Any], more: dict[str, Any], expected: tuple[int, str]) -> None:
    known = {
        "consumers": [Consumer(id="shop", name="Shop", client_id="shop-id")],
        "strangers": [Consumer(id="stranger", name="Stranger", client_id="stranger-id")],
    }
    assert judged(signed(**claims), **known, **more) == expected


def test_claims_are_exposed_and_known_to_later_policies() -> None:
    async def scenario(of: FakeProvider) -> None:
        checked = case(of, exposeHeaders=True)
        context = request(headers={"authorization": f"Bearer {signed(email='ada@example.test', groups=['a'])}"})
        assert await checked.ask(context) is None
        told = {name: value for name, value in context.headers if name.startswith(b"x-agw-")}
        expected = {b"x-agw-iss": ISSUER.encode(), b"x-agw-sub": b"ada", b"x-agw-email": b"ada@example.test"}
        assert told == expected
        assert context.notes is not None
        assert context.notes["authentication.properties"]["claims"]["groups"] == ["a"]
        assert context.principal == b"ada"

    play(scenario, provider)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "Give the issuer"),
        ({"jwksURL": "https://a.example/jwks"}, "Give the issuer"),
        ({"issuer": "file:///etc"}, "is not a URL that can be fetched"),
        ({"issuer": "https://ada:sesame@login.example"}, "This is not a URL"),
        ({"issuer": "https://a.example?x"}, "is not a URL"),
        ({"issuer": ISSUER, "jwksURL": "ftp://a.example"}, "is not a URL"),
        ({"issuer": ISSUER, "checkedBy": "introspection"}, "Give clientId and clientSecret"),
        ({"issuer": ISSUER, "checkedBy": "introspection", "clientId": "a"}, "Give clientId and clientSecret"),
        ({"issuer": ISSUER, **CLIENT, "clientSecret": "a\nb"}, "cannot contain line breaks"),
        ({"issuer": ISSUER, "checkedBy": "hope"}, "Invalid enum value"),
        ({"issuer": ISSUER, "scopes": "ä"}, "separated by spaces"),
        ({"issuer": ISSUER, "maxFederationExpirationTime": -2}, "maxFederationExpirationTime"),
        ({"issuer": ISSUER, "maxCacheSize": -1}, "maxCacheSize"),
    ],
)
def test_unusable_settings_are_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, config)
    assert words in f"{caught.value.path} {caught.value.message}"
    assert "sesame" not in caught.value.message


def test_an_explicit_endpoint_needs_no_issuer() -> None:
    assert policy_case(NAME, {"checkedBy": "userinfo", "userinfoURL": f"{ISSUER}/me"})
    assert policy_case(NAME, {"checkedBy": "introspection", "introspectionURL": f"{ISSUER}/i", **CLIENT})
