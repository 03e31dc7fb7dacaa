"""Which ID tokens are believed, and who is found by them."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.exceptions import SuspiciousOperation
from django.test import override_settings
from jwt.algorithms import RSAAlgorithm

from portal.accounts import oidc, oidc_provider
from portal.accounts.models import User
from portal.accounts.services import api_token_create, user_sign_on
from portal.core.errors import ApplicationError
from tests.portal.base import make_user

ISSUER = "https://id.example.test/realm"
CLIENT = "portico"
NONCE = "n-0123456789"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JWK = json.loads(RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "1", "use": "sig"}
REFUSALS = (jwt.PyJWTError, SuspiciousOperation)

SETTINGS = {
    "OIDC_ISSUER": ISSUER,
    "OIDC_RP_CLIENT_ID": CLIENT,
    "OIDC_RP_CLIENT_SECRET": "secret",
    "OIDC_ALGORITHMS": ("RS256", "ES256"),
    "OIDC_ENDPOINTS": {name: f"{ISSUER}/{name}" for name in ("authorization", "token", "userinfo", "jwks")},
    "OIDC_TRUST_EMAIL": False,
    "OIDC_GROUPS_CLAIM": "",
    "OIDC_TIMEOUT": 1,
}


@pytest.fixture(autouse=True)
def _configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(oidc_provider, "_remembered", None)
    monkeypatch.setattr(oidc, "fetch", lambda url, **arguments: {"keys": [JWK]})
    with override_settings(**SETTINGS):
        yield


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    base = {"iss": ISSUER, "aud": CLIENT, "sub": "s1", "nonce": NONCE, "iat": now, "exp": now + 60}
    return {name: value for name, value in (base | changes).items() if value is not None}


def token(body: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", **header: Any) -> str:
    return jwt.encode(body, key, algorithm=algorithm, headers={"kid": "1"} | header)


def verify(text: str, nonce: str | None = NONCE) -> dict[str, Any]:
    return oidc.SingleSignOnBackend().verify_token(text, nonce=nonce)


def segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(algorithm: str) -> str:
    return f"{segment({'alg': algorithm, 'kid': '1'})}.{segment(claims())}."


def signed_with_the_public_key() -> str:
    """The classic confusion: HMAC with the public key's text as its secret."""
    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = f"{segment({'alg': 'HS256', 'kid': '1'})}.{segment(claims())}"
    digest = hmac.new(pem, head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def test_good_token_is_believed() -> None:
    assert verify(token(claims()))["sub"] == "s1"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"iss": ISSUER + "/"},
        {"iss": ISSUER.removesuffix("/realm")},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"nonce": "another"},
        {"nonce": None},
        {"aud": [CLIENT, "other"], "azp": "other"},
        {"nbf": 4_102_444_800},  # the year 2100
    ],
    ids=str,
)
def test_wrong_claims_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(REFUSALS):
        verify(token(claims(**changes)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: unsigned("none"),
        lambda: unsigned("None"),
        lambda: unsigned("RS256"),
        signed_with_the_public_key,
        lambda: token(claims(), OTHER_KEY),
        lambda: token(claims(), OTHER_KEY, kid="2"),
        lambda: token(claims(), KEY, "RS512"),
        lambda: token(claims(), KEY, "PS256"),
        lambda: token(claims())[:-4] + "AAAA",
        lambda: "not.a.token",
        lambda: "",
    ],
    ids=["none", "None", "empty", "public key", "other key", "unknown key", "RS512", "PS256", "changed", "junk", "-"],
)
def test_wrong_signatures_are_refused(make: Callable[[], str]) -> None:
    with pytest.raises(REFUSALS):
        verify(make())


def test_token_without_our_nonce_is_refused() -> None:
    with pytest.raises(REFUSALS):
        verify(token(claims(nonce=None)), nonce=None)


def test_key_that_comes_with_the_token_is_not_used() -> None:
    planted = json.loads(RSAAlgorithm.to_jwk(OTHER_KEY.public_key()))
    with pytest.raises(REFUSALS):
        verify(token(claims(), OTHER_KEY, jwk=planted, jku="https://evil.example/jwks"))


def test_password_sign_in_never_reaches_the_backend() -> None:
    with pytest.raises(TypeError):
        oidc.SingleSignOnBackend().authenticate(None, username="a", password="b")  # type: ignore[call-arg]


def test_userinfo_about_somebody_else_is_refused(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"sub": "s2", "email": "ada@example.test", "email_verified": True}
    monkeypatch.setattr(oidc, "fetch", lambda url, **arguments: told)
    with pytest.raises(SuspiciousOperation):
        oidc.SingleSignOnBackend().get_or_create_user("access", "id", claims())
    assert not User.objects.exists()


class TestDiscovery:
    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        urls: list[str] = []

        def get(url: str, **arguments: Any) -> requests.Response:
            urls.append(url)
            response = requests.Response()
            response.status_code = 200
            document = {"issuer": self.issuer, "jwks_uri": f"{ISSUER}/jwks"}
            document |= {f"{name}_endpoint": f"{ISSUER}/{name}" for name in ("authorization", "token", "userinfo")}
            response._content = json.dumps(document).encode()
            return response

        monkeypatch.setattr(requests, "get", get)
        return urls

    issuer = ISSUER
    NONE = dict.fromkeys(SETTINGS["OIDC_ENDPOINTS"], "")  # type: ignore[attr-defined]

    def test_provider_is_asked_once(self, asked: list[str]) -> None:
        with override_settings(OIDC_ENDPOINTS=self.NONE):
            assert oidc_provider.provider() == oidc_provider.provider()
        assert asked == [f"{ISSUER}/.well-known/openid-configuration"]

    def test_configured_endpoints_need_no_question(self, asked: list[str]) -> None:
        assert oidc_provider.provider().token == f"{ISSUER}/token"
        assert not asked

    def test_provider_with_another_name_is_refused(self, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(TestDiscovery, "issuer", ISSUER + "/")
        with override_settings(OIDC_ENDPOINTS=self.NONE), pytest.raises(ApplicationError) as raised:
            oidc_provider.provider()
        assert raised.value.code == "sign_on_wrong_issuer"

    def test_provider_that_is_away_is_one_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(url: str, **arguments: Any) -> None:
            raise requests.ConnectionError

        monkeypatch.setattr(requests, "get", away)
        with override_settings(OIDC_ENDPOINTS=self.NONE), pytest.raises(ApplicationError) as raised:
            oidc_provider.provider()
        assert (raised.value.code, raised.value.status) == ("sign_on_unavailable", 503)


class TestPerson:
    @staticmethod
    def sign_on(**changes: Any) -> User:
        told = {"issuer": ISSUER, "subject": "s1", "email": "ada@example.test", "email_verified": True, "name": "Ada"}
        return user_sign_on(**(told | changes))

    def test_person_is_known_by_issuer_and_subject_and_not_by_address(self, db: None) -> None:
        first = self.sign_on()
        assert self.sign_on(email="renamed@example.test", email_verified=False) == first
        other = self.sign_on(issuer="https://other.example", email="o@example.test")
        assert other != first

    def test_confirmed_account_keeps_its_password(self, db: None) -> None:
        ada = make_user("Ada", email_confirmed=True)
        assert self.sign_on(email="ADA@example.test") == ada
        ada.refresh_from_db()
        assert ada.has_usable_password()

    def test_unconfirmed_account_loses_password_and_tokens(self, db: None) -> None:
        ada = make_user("Ada")
        api_token_create(user=ada, actor=ada, name="planted")
        self.sign_on()
        ada.refresh_from_db()
        assert not ada.has_usable_password()
        assert ada.email_confirmed
        assert ada.api_tokens.get().state == "revoked"

    def test_address_of_another_subject_is_not_taken_over(self, db: None) -> None:
        self.sign_on()
        with pytest.raises(ApplicationError) as raised:
            self.sign_on(subject="s2")
        assert raised.value.code == "sign_on_not_linked"

    def test_new_person_has_no_password(self, db: None) -> None:
        assert not self.sign_on().has_usable_password()
