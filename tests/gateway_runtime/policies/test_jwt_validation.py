"""JWT validation with a key as text."""

from typing import Any

import pytest

from gateway_runtime.expressions import reading
from gateway_runtime.schema.document import Consumer
from gateway_runtime.testing import PolicyCase, policy_case, request

from .jwt_kit import GOOD, HMAC, NAME, NOW, code, verdict
from .tokens import SECRET, ec_key, pem_text, rsa_key, token


def private(algorithm: str) -> Any:
    return {"HS": SECRET, "RS": rsa_key(), "ES": ec_key(algorithm[2:])}[algorithm[:2]]


def settings(algorithm: str) -> dict[str, Any]:
    key = private(algorithm)
    method = {"HS": "hmac", "RS": "rsa", "ES": "es"}[algorithm[:2]]
    text = key if isinstance(key, str) else pem_text(key)
    return {"signingMethod": method, "signingKeyLength": int(algorithm[2:]), "textKey": text}


ALGORITHMS = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384"]


@pytest.mark.parametrize("accepted", ALGORITHMS)
@pytest.mark.parametrize("used", [*ALGORITHMS, "PS256"])
def test_one_algorithm_is_accepted_and_no_other(accepted: str, used: str) -> None:
    key = rsa_key() if used == "PS256" else private(used)
    expected = (200, "") if used == accepted else (401, "jwt_algorithm")
    assert verdict(settings(accepted), token({"sub": "ada"}, key, used)) == expected


def test_a_verified_token_tells_who_calls() -> None:
    context = request(headers={"authorization": f"bearer {token({'sub': 'ada', 'roles': ['a']})}"})
    assert policy_case(NAME, HMAC).send(context) is None
    assert context.principal == b"ada"
    assert context.notes == {"authentication.properties": {"claims": {"sub": "ada", "roles": ["a"]}}}
    assert context.header(b"authorization") is not None


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "Basic YTpi")],
        [("authorization", "Bearerx.y.z")],
        [("authorization", "Bearer a.b.c"), ("authorization", "Bearer a.b.c")],
    ],
    ids=repr,
)
def test_without_one_token_it_is_400(headers: list[tuple[str, str]]) -> None:
    refused = policy_case(NAME, HMAC).send(request(headers=headers))
    assert refused is not None
    assert (refused.status, refused.code) == (400, "jwt_missing")
    assert refused.headers == ((b"www-authenticate", b'Bearer realm="portico"'),)


def test_a_refused_token_is_401_with_a_challenge() -> None:
    refused = policy_case(NAME, HMAC).send(request(headers={"authorization": "Bearer x"}))
    assert refused is not None
    assert (refused.status, refused.code, refused.policy) == (401, "jwt_malformed", NAME)
    assert refused.headers == ((b"www-authenticate", b'Bearer realm="portico", error="invalid_token"'),)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW + 1}, ""),
        ({"exp": NOW + 0.5}, ""),
        ({"exp": NOW}, "jwt_expired"),
        ({"exp": NOW - 1}, "jwt_expired"),
        ({"exp": 0}, "jwt_expired"),
        ({"exp": -1}, "jwt_expired"),
        ({"nbf": NOW}, ""),
        ({"nbf": NOW + 1}, "jwt_not_yet_valid"),
        ({"exp": str(NOW + 9)}, "jwt_claim"),
        ({"exp": True}, "jwt_claim"),
        ({"exp": None}, "jwt_claim"),
        ({"exp": [NOW + 9]}, "jwt_claim"),
        ({"exp": 10**400}, "jwt_claim"),
        ({"nbf": "0"}, "jwt_claim"),
    ],
)
def test_times_are_always_checked(claims: dict[str, Any], expected: str) -> None:
    assert code(token(claims)) == expected


def test_a_number_beyond_all_numbers_is_no_time() -> None:
    assert code(token(b'{"exp":1e999}')) == "jwt_claim"


@pytest.mark.parametrize(("setting", "claim"), [("mandatoryExpClaim", "exp"), ("mandatoryNbfClaim", "nbf")])
def test_times_can_be_required(setting: str, claim: str) -> None:
    good = {"exp": NOW + 9, "nbf": NOW - 9}
    assert code(token(good), **{setting: True}) == ""
    del good[claim]
    assert code(token(good), **{setting: True}) == "jwt_claim"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"aud": "shop"}, ""),
        ({"aud": "stock"}, ""),
        ({"aud": ["x", "shop"]}, ""),
        ({"aud": "Shop"}, "jwt_audience"),
        ({"aud": "shop/"}, "jwt_audience"),
        ({"aud": "shop,stock"}, "jwt_audience"),
        ({"aud": "sho"}, "jwt_audience"),
        ({"aud": ""}, "jwt_audience"),
        ({"aud": []}, "jwt_audience"),
        ({"aud": ["x"]}, "jwt_audience"),
        ({"aud": ["shop", 1]}, "jwt_audience"),
        ({"aud": {"shop": 1}}, "jwt_audience"),
        ({"aud": None}, "jwt_audience"),
    ],
)
def test_audiences_are_compared_letter_by_letter(claims: dict[str, Any], expected: str) -> None:
    for mandatory in (True, False):
        checked = {"validateAudClaim": True, "mandatoryAudClaim": mandatory, "supportedAudiences": "shop, stock"}
        assert code(token(claims), **checked) == expected
    assert code(token(claims), supportedAudiences="shop") == ""


def test_a_missing_audience_is_refused_where_it_is_mandatory() -> None:
    checked = {"validateAudClaim": True, "supportedAudiences": "shop"}
    assert code(token({}), **checked) == ""
    assert code(token({}), **checked, mandatoryAudClaim=True) == "jwt_audience"


@pytest.mark.parametrize(
    ("value", "passes"),
    [
        ("https://login.example", True),
        ("https://login.example/", False),
        ("https://login.example.evil", False),
        ("https://login.exampl", False),
        ("HTTPS://login.example", False),
        (["https://login.example"], False),
        (None, False),
    ],
)
def test_custom_claims_are_compared_letter_by_letter(value: Any, passes: bool) -> None:
    claims = [{"key": "iss", "value": "https://login.example"}]
    expected = "" if passes else "jwt_claim"
    for where in ("mandatoryCustomClaims", "nonMandatoryCustomClaims"):
        assert code(token({"iss": value}), validateCustomClaim=True, **{where: claims}) == expected
        assert code(token({"iss": value}), **{where: claims}) == ""


@pytest.mark.parametrize(
    ("value", "text", "passes"),
    [(7, "7", True), (True, "true", True), (False, "False", False), (1.5, "1.5", True), (1, "true", False)],
)
def test_numbers_and_booleans_are_compared_as_json_writes_them(value: Any, text: str, passes: bool) -> None:
    claims = [{"key": "level", "value": text}]
    found = code(token({"level": value}), validateCustomClaim=True, mandatoryCustomClaims=claims)
    assert (found == "") is passes


SCOPED = {"key": "scope", "value": "#[vars.claimSet.scope contains 'orders:read']"}


@pytest.mark.parametrize(
    ("claim", "claims", "passes"),
    [
        (SCOPED, {"scope": "orders:read orders:write"}, True),
        (SCOPED, {"scope": "orders:write"}, False),
        (SCOPED, {"scope": 7}, False),
        (SCOPED, {"scope": None}, False),
        ({"key": "a", "value": "#[vars.claimSet.a == vars.claimSet.b]"}, {"a": 1, "b": 1}, True),
        ({"key": "a", "value": "#[vars.claimSet.a == vars.claimSet.b]"}, {"a": 1}, False),
        ({"key": "a", "value": "#[vars.claimSet.a]"}, {"a": True}, True),
        ({"key": "a", "value": "#[vars.claimSet.a]"}, {"a": "true"}, False),
        ({"key": "a", "value": "#[vars.claimSet.a]"}, {"a": 1}, False),
        ({"key": "a", "value": "#[attributes.method == 'GET']"}, {"a": 1}, True),
        ({"key": "a", "value": "#[attributes.method == 'PUT']"}, {"a": 1}, False),
        ({"key": "a", "value": "x#[vars.claimSet.a]"}, {"a": "xa"}, False),
    ],
)
def test_an_expression_over_the_claims_has_to_give_true(claim: dict, claims: dict[str, Any], passes: bool) -> None:
    expected = "" if passes else "jwt_claim"
    for where in ("mandatoryCustomClaims", "nonMandatoryCustomClaims"):
        assert code(token(claims), validateCustomClaim=True, **{where: [claim]}) == expected
        assert code(token(claims), **{where: [claim]}) == ""
    assert code(token({}), validateCustomClaim=True, mandatoryCustomClaims=[claim]) == "jwt_claim"
    assert code(token({}), validateCustomClaim=True, nonMandatoryCustomClaims=[claim]) == ""


def test_an_expression_that_looks_at_the_request_is_asked_for_each_one() -> None:
    claim = {"key": "tenant", "value": "#[vars.claimSet.tenant == attributes.headers['x-tenant']]"}
    case = policy_case(NAME, {**HMAC, "validateCustomClaim": True, "mandatoryCustomClaims": [claim]})
    text = token({"tenant": "a"})
    for tenant, passes in (("a", True), ("b", False), ("a", True)):
        context = request(headers={"authorization": f"Bearer {text}", "x-tenant": tenant})
        assert (case.send(context) is None) is passes


def test_only_mandatory_custom_claims_must_be_there() -> None:
    claims = [{"key": "token_use", "value": "access"}]
    assert code(token({}), validateCustomClaim=True, mandatoryCustomClaims=claims) == "jwt_claim"
    assert code(token({}), validateCustomClaim=True, nonMandatoryCustomClaims=claims) == ""


@pytest.mark.parametrize(
    ("typ", "accepted", "passes"),
    [
        ("at+jwt", "at+jwt", True),
        ("AT+JWT", "at+jwt", True),
        ("application/at+jwt", "at+jwt", True),
        ("at+jwt", "JWT, at+jwt", True),
        ("JWT", "at+jwt", False),
        ("rt+jwt", "at+jwt", False),
        ("at+jwt ", "at+jwt", False),
        ("", "at+jwt", False),
        (None, "at+jwt", False),
        (["at+jwt"], "at+jwt", False),
        ("JWT", "", True),
        (None, "", True),
    ],
)
def test_tokens_of_another_type_are_refused_where_the_type_is_checked(typ: Any, accepted: str, passes: bool) -> None:
    assert code(token({}, typ=typ), supportedTypes=accepted) == ("" if passes else "jwt_type")


def test_a_token_without_a_type_is_refused_where_the_type_is_checked() -> None:
    assert code(token({}, header={"alg": "HS256"}), supportedTypes="at+jwt") == "jwt_type"


@pytest.mark.parametrize(
    ("expression", "more", "expected"),
    [
        ("#[attributes.headers['jwt']]", {"headers": {"jwt": GOOD}}, ""),
        ("#[attributes.headers['x-token']]", {"headers": {"x-token": GOOD}}, ""),
        ("#[attributes.headers['jwt']]", {"headers": {"authorization": f"Bearer {GOOD}"}}, "jwt_missing"),
        ("#[attributes.headers['jwt']]", {"headers": [("jwt", GOOD), ("jwt", GOOD)]}, "jwt_missing"),
        ("#[attributes.headers['jwt']]", {"headers": {"jwt": ""}}, "jwt_missing"),
        ("#[attributes.headers['jwt']]", {"headers": {"jwt": f"Bearer {GOOD}"}}, "jwt_malformed"),
        ("#[attributes.queryParams['jwt']]", {"query": f"a=b&jwt={GOOD}"}, ""),
        ("#[attributes.queryParams.jwt]", {"query": f"jwt={GOOD}"}, ""),
        ("#[attributes.queryParams.jwt]", {"query": f"jwt={GOOD}&jwt={GOOD}"}, "jwt_missing"),
        ("#[attributes.queryParams.jwt]", {"query": "jwt="}, "jwt_missing"),
        ("#[attributes.queryParams.jwt]", {"query": f"xjwt={GOOD}"}, "jwt_missing"),
        ("#[attributes.queryParams.jwt]", {"query": f"jwt=%65{GOOD[1:]}"}, ""),
    ],
)
def test_an_expression_says_where_the_token_is(expression: str, more: dict[str, Any], expected: str) -> None:
    case = policy_case(NAME, {**HMAC, "jwtOrigin": "customExpression", "jwtExpression": expression})
    context = request(headers=more.get("headers"))
    context.query = more.get("query", "").encode()
    refused = case.send(context)
    assert ("" if refused is None else refused.code) == expected


SHOP = Consumer(id="shop", name="Shop", client_id="shop-id")
STRANGER = Consumer(id="stranger", name="Stranger", client_id="stranger-id")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"client_id": "shop-id"}, (200, "")),
        ({"client_id": "stranger-id"}, (403, "jwt_no_contract")),
        ({"client_id": "nobody"}, (401, "jwt_client_unknown")),
        ({"client_id": ["shop-id"]}, (401, "jwt_client_unknown")),
        ({"client_id": ""}, (401, "jwt_client_unknown")),
        ({"azp": "shop-id"}, (401, "jwt_client_unknown")),
    ],
)
def test_the_client_of_a_token_needs_a_contract_where_that_is_asked_for(claims: dict, expected: tuple) -> None:
    known = {"consumers": [SHOP], "strangers": [STRANGER]}
    assert verdict({**HMAC, "skipClientIdValidation": False}, token(claims), **known) == expected
    assert verdict(HMAC, token(claims), **known) == (200, "")


@pytest.mark.parametrize("expression", ["#[vars.claimSet.azp]", "#[vars.claimSet['azp']]"])
def test_another_claim_can_name_the_client(expression: str) -> None:
    case = policy_case(
        NAME, {**HMAC, "skipClientIdValidation": False, "clientIdExpression": expression}, consumers=[SHOP]
    )
    context = request(headers={"authorization": f"Bearer {token({'azp': 'shop-id', 'sub': 'ada'})}"})
    for _ in range(2):
        context.application = context.application_name = ""
        assert case.send(context) is None
        assert (context.application, context.application_name, context.principal) == ("shop", "Shop", b"ada")
        assert reading.client_id(context) == "shop-id"


def test_the_client_can_be_an_expression_that_is_asked_for_each_request() -> None:
    config = {**HMAC, "skipClientIdValidation": False}
    case = policy_case(
        NAME, {**config, "clientIdExpression": "#[vars.claimSet.azp default attributes.headers['x-c']]"},
        consumers=[SHOP],
    )  # fmt: skip
    for claims, named, passes in (({"azp": "shop-id"}, "x", True), ({}, "shop-id", True), ({}, "x", False)):
        context = request(headers={"authorization": f"Bearer {token(claims)}", "x-c": named})
        assert (case.send(context) is None) is passes


class Counting:
    """Counts how often a signature is checked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from gateway_runtime.policies.jwt_token import Verifier

        self.count = 0
        verify = Verifier.verify

        def counted(*arguments: Any) -> None:
            self.count += 1
            verify(*arguments)

        monkeypatch.setattr(Verifier, "verify", counted)


def send(case: PolicyCase, text: str) -> str:
    refused = case.send(request(headers={"authorization": f"Bearer {text}"}))
    return "" if refused is None else refused.code


def test_a_verified_token_is_verified_once_and_still_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(monkeypatch)
    case = policy_case(NAME, HMAC)
    text = token({"exp": NOW + 60, "nbf": NOW})
    assert [send(case, text) for _ in range(5)] == [""] * 5
    assert counting.count == 1
    case.clock.advance(59.9)
    assert send(case, text) == ""
    case.clock.advance(0.1)
    assert send(case, text) == "jwt_expired"
    case.clock.advance(-60.5)
    assert send(case, text) == "jwt_not_yet_valid"
    assert counting.count == 1


def test_refused_tokens_are_not_remembered_and_others_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_runtime.policies.jwt_checking.REMEMBERED", 10)
    counting = Counting(monkeypatch)
    case = policy_case(NAME, HMAC)
    bad = token({}, SECRET + "x")
    assert [send(case, bad) for _ in range(3)] == ["jwt_signature"] * 3
    assert counting.count == 3
    texts = [token({"jti": str(number)}) for number in range(20)]
    assert [send(case, text) for text in texts] == [""] * 20
    assert counting.count == 23
    assert send(case, texts[-1]) == ""
    assert counting.count == 23
    assert send(case, texts[0]) == ""
    assert counting.count == 24


def test_a_token_verified_under_other_settings_is_verified_anew() -> None:
    first = policy_case(NAME, HMAC)
    assert send(first, GOOD) == ""
    second = policy_case(NAME, {**HMAC, "mandatoryExpClaim": True}, clock=first.clock, kept=first.kept)
    assert send(second, GOOD) == "jwt_claim"
