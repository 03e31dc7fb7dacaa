"""Signing in and out with e-mail address and password."""

from datetime import timedelta
from unittest import mock

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import identify_hasher
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import SignInCount, User
from portal.settings import PASSWORD_HASHERS
from tests.portal.base import PASSWORD, make_user

ADDRESS = "/sign-in/"
WRONG = "The e-mail address or the password is not right."


@pytest.fixture
def ada(db: None) -> User:
    return make_user("Ada Owner")


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str):
    return client.post(ADDRESS, {"username": email, "password": password, **more})


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_right_password_signs_in(client: Client, ada: User) -> None:
    response = sign_in(client, ada.email)
    assert response.status_code == 302
    assert response["Location"] == "/"
    assert is_signed_in(client)


def test_address_may_be_typed_in_any_case(client: Client, ada: User) -> None:
    sign_in(client, " ADA@Example.TEST ")
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "email", ["ada@example.test", "nobody@example.test", "off@example.test", "linked@example.test"]
)
def test_every_failure_reads_the_same(client: Client, ada: User, email: str) -> None:
    make_user("Off", is_active=False)
    make_user("Linked", password=None)
    response = sign_in(client, email, PASSWORD if email.startswith("off") else "wrong")
    assert WRONG in response.content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("email", ["ada@example.test", "nobody@example.test", "linked@example.test"])
def test_every_failure_costs_one_hash(client: Client, ada: User, email: str) -> None:
    make_user("Linked", password=None)
    with mock.patch("django.contrib.auth.hashers.MD5PasswordHasher.encode", return_value="md5$s$h") as encode:
        sign_in(client, email, "wrong")
    assert encode.call_count == 1


def test_sign_in_leads_to_the_page_asked_for(client: Client, ada: User) -> None:
    assert sign_in(client, ada.email, next="/account/")["Location"] == "/account/"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:///evil.example"],
)
def test_sign_in_never_leads_elsewhere(client: Client, ada: User, elsewhere: str) -> None:
    assert sign_in(client, ada.email, next=elsewhere)["Location"] == "/"


def test_session_key_changes_at_sign_in(client: Client, ada: User) -> None:
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key
    sign_in(client, ada.email)
    assert client.session.session_key != before


def test_too_many_wrong_passwords_lock_the_address(client: Client, ada: User) -> None:
    for _ in range(7):
        assert sign_in(client, ada.email, "wrong").status_code == 200
    response = sign_in(client, ada.email, "wrong")
    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    assert "Too many attempts" in response.content.decode()
    assert sign_in(client, ada.email).status_code == 429
    assert not is_signed_in(client)


def test_unknown_address_is_locked_just_the_same(client: Client, ada: User) -> None:
    answers = [sign_in(client, "nobody@example.test", "wrong") for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 7 + [429]


def test_spelling_does_not_multiply_the_attempts(client: Client, ada: User) -> None:
    spellings = ["ada@example.test", "Ada@example.test", "ADA@example.test", " ada@example.test"] * 2
    assert [sign_in(client, email, "wrong").status_code for email in spellings][-1] == 429


def test_locking_one_address_leaves_the_others_alone(client: Client, ada: User) -> None:
    make_user("Ben Viewer")
    for _ in range(8):
        sign_in(client, ada.email, "wrong")
    sign_in(client, "ben@example.test")
    assert is_signed_in(client)


def test_lock_ends_by_itself(client: Client, ada: User) -> None:
    for _ in range(9):
        sign_in(client, ada.email, "wrong")
    with mock.patch("django.utils.timezone.now", return_value=timezone.now() + timedelta(minutes=16)):
        sign_in(client, ada.email)
        assert is_signed_in(client)


def test_right_password_forgets_earlier_mistakes(client: Client, ada: User) -> None:
    for _ in range(3):
        for _ in range(5):
            sign_in(client, ada.email, "wrong")
        sign_in(client, ada.email)
        assert is_signed_in(client)


def test_password_is_never_stored_with_an_attempt(client: Client, ada: User) -> None:
    sign_in(client, ada.email, "my other secret")
    assert "my other secret" not in str(list(SignInCount.objects.values()))
    assert not AccessAttempt.objects.exists()


def test_sign_out_takes_post_only(client: Client, ada: User) -> None:
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/sign-out/").status_code == 405
    assert is_signed_in(client)
    assert client.post("/sign-out/")["Location"] == ADDRESS
    assert not is_signed_in(client)


@pytest.mark.parametrize("address", [ADDRESS, "/sign-up/", "/sign-out/", "/account/"])
def test_forms_are_refused_without_their_token(ada: User, address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(address, {"name": "Mallory"}).status_code == 403


def test_inactive_person_loses_the_session(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert client.get("/account/")["Location"].startswith(ADDRESS)


def test_passwords_are_kept_as_argon2id(db: None) -> None:
    with override_settings(PASSWORD_HASHERS=PASSWORD_HASHERS):
        user = make_user("Cora Developer")
        assert identify_hasher(user.password).algorithm == "argon2"
        assert user.password.startswith("argon2$argon2id$")
        assert user.check_password(PASSWORD)


def test_page_without_a_provider_offers_no_sign_on(client: Client, db: None) -> None:
    page = client.get(reverse("accounts:sign_in")).content.decode()
    assert "E-mail address" in page
    assert "Continue with" not in page
