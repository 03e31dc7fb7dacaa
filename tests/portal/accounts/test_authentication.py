"""`Authorization: Bearer` on the REST interface."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import ApiToken, User
from portal.accounts.services import api_token_create, api_token_revoke
from portal.accounts.tokens import new_token
from tests.portal.base import client_of, make_user

ME = "/api/v1/me/"


@pytest.fixture
def ada(db: None) -> User:
    return make_user("Ada Owner")


@pytest.fixture
def secret(ada: User) -> str:
    return api_token_create(user=ada, actor=ada, name="pipeline").secret


def call(header: str | None = None):
    return Client(headers={"Authorization": header} if header is not None else {}).get(ME)


def test_token_opens_the_interface(ada: User, secret: str) -> None:
    response = call(f"Bearer {secret}")
    assert response.status_code == 200
    assert response.json()["email"] == ada.email


def test_scheme_may_be_written_in_any_case(secret: str) -> None:
    assert call(f"bearer {secret}").status_code == 200


def test_nothing_is_401_with_a_challenge(ada: User) -> None:
    response = call()
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="Portico"'
    assert response.json()["code"] == "not_authenticated"


def test_wrong_tokens_are_refused_alike(ada: User, secret: str) -> None:
    revoked = api_token_create(user=ada, actor=ada, name="revoked")
    api_token_revoke(token=revoked.token, actor=ada)
    expired = api_token_create(user=ada, actor=ada, name="expired", expires_at=timezone.now() + timedelta(days=1))
    ApiToken.objects.filter(pk=expired.token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    off = make_user("Off")
    of_inactive = api_token_create(user=off, actor=off, name="inactive").secret
    User.objects.filter(pk=off.pk).update(is_active=False)
    wrong = ["", "x", secret[:-1], secret + "x", new_token(), revoked.secret, expired.secret, of_inactive]
    answers = [call(f"Bearer {token}") for token in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer["WWW-Authenticate"] for answer in answers} == {'Bearer realm="Portico", error="invalid_token"'}
    assert {answer.json()["code"] for answer in answers} == {"api_token_invalid"}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("header", ["Basic YTpi", "Token abc", "Bearer", "bearerabc", ""])
def test_other_schemes_do_not_sign_in(ada: User, header: str) -> None:
    assert call(header).status_code == 401


def test_session_of_a_browser_works_too(ada: User) -> None:
    assert client_of(ada).get(ME).json()["id"] == str(ada.pk)


def test_browser_cannot_be_made_to_send_a_change(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post("/api/v1/api-tokens/", {"name": "planted"}, content_type="application/json")
    assert response.status_code == 403
    assert not ApiToken.objects.exists()


def test_last_use_is_noted_at_most_once_a_minute(ada: User, secret: str, django_assert_num_queries) -> None:
    call(f"Bearer {secret}")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    with django_assert_num_queries(1):
        call(f"Bearer {secret}")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(seconds=61))
    call(f"Bearer {secret}")
    assert ApiToken.objects.get().last_used_at > first - timedelta(seconds=1)


def test_only_the_digest_is_stored(secret: str) -> None:
    stored = " ".join(str(value) for value in ApiToken.objects.values().get().values())
    assert secret not in stored
    assert secret[16:40] not in stored
