"""Lock-outs grow, hold for accounts and addresses, and never keep an owner out for ever."""

from datetime import datetime, timedelta
from unittest import mock

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone

from portal.accounts.lock_out import COOKIE, GrowingLockOut, counts_forget
from portal.accounts.models import SignInCount, User
from portal.accounts.password_reset import reset_tokens
from portal.accounts.services import invitation_link
from tests.portal.base import PASSWORD, make_user

LIMIT = 3


@pytest.fixture(autouse=True)
def _low_limit(settings) -> None:
    settings.AXES_FAILURE_LIMIT = LIMIT


@pytest.fixture
def ada(db: None) -> User:
    return make_user("Ada Owner")


class Clock:
    """Says what time it is."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **time: int) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock():
    clock = Clock()
    with mock.patch("django.utils.timezone.now", clock), mock.patch("axes.handlers.proxy.now", clock):
        yield clock


def attempt(email: str, password: str = "wrong", address: str = "192.0.2.7", client: Client | None = None):
    return (client or Client()).post("/sign-in/", {"username": email, "password": password}, REMOTE_ADDR=address)


def lock(email: str, address: str = "192.0.2.7") -> int:
    """Try until it is locked; return for how many minutes."""
    for _ in range(LIMIT):
        response = attempt(email, address=address)
    assert response.status_code == 429
    return int(response["Retry-After"]) // 60


def lock_everywhere(email: str) -> int:
    """Try from many addresses until the account is locked for all; return for how many minutes."""
    for number in range(LIMIT * 5):
        response = attempt(email, address=f"198.51.100.{number}")
    assert response.status_code == 429
    return int(response["Retry-After"]) // 60


def test_each_lock_out_is_twice_as_long_up_to_a_day(ada: User, clock: Clock) -> None:
    found = []
    for _ in range(9):
        found.append(lock(ada.email))
        clock.passes(minutes=found[-1] + 1)
        # The account as a whole would be locked in between.
        SignInCount.objects.filter(lock_outs=0).delete()
    assert found == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]


def test_attempts_during_a_lock_out_do_not_prolong_it(ada: User, clock: Clock) -> None:
    assert lock(ada.email) == 15
    clock.passes(minutes=14)
    assert attempt(ada.email).status_code == 429
    clock.passes(minutes=2)
    assert attempt(ada.email, PASSWORD).status_code == 302


def test_count_is_forgotten_after_a_day(ada: User, clock: Clock) -> None:
    lock(ada.email)
    clock.passes(hours=25)
    assert lock(ada.email) == 15


def test_account_is_locked_for_all_addresses(ada: User, clock: Clock) -> None:
    assert lock_everywhere(ada.email) == 15
    assert attempt(ada.email, PASSWORD, address="203.0.113.1").status_code == 429


def test_account_is_never_locked_for_more_than_an_hour_at_once(ada: User, clock: Clock) -> None:
    found = []
    for _ in range(4):
        found.append(lock_everywhere(ada.email))
        clock.passes(minutes=found[-1] + 1)
        # Those of each address would be locked in between.
        SignInCount.objects.filter(lock_outs=0).delete()
    assert found == [15, 30, 60, 60]


def test_unknown_account_is_locked_for_all_addresses_just_the_same(db: None, clock: Clock) -> None:
    assert lock_everywhere("nobody@example.test") == 15


def test_address_that_tries_many_accounts_is_locked(ada: User) -> None:
    answers = [attempt(f"n{number}@example.test").status_code for number in range(LIMIT * 10)]
    assert answers == [200] * (LIMIT * 10 - 1) + [429]
    assert attempt(ada.email, PASSWORD).status_code == 429
    assert attempt(ada.email, PASSWORD, address="203.0.113.1").status_code == 302


def test_network_of_the_newer_kind_counts_as_one_address(ada: User) -> None:
    for number in range(LIMIT):
        response = attempt(ada.email, address=f"2001:db8::{number}")
    assert response.status_code == 429
    assert attempt(ada.email, PASSWORD, address="2001:db8:0:1::1").status_code == 302


def test_owner_s_own_browser_is_kept_out_by_nobody_else(ada: User) -> None:
    own = Client()
    attempt(ada.email, PASSWORD, client=own)
    own.post("/sign-out/")
    lock_everywhere(ada.email)
    assert attempt(ada.email, PASSWORD, client=Client()).status_code == 429
    assert attempt(ada.email, PASSWORD, client=own).status_code == 302


def test_browser_in_which_the_account_was_made_is_known(db: None) -> None:
    own = Client()
    own.post("/sign-up/", {"name": "Cora", "email": "cora@example.test", "password": PASSWORD})
    own.post("/sign-out/")
    lock_everywhere("cora@example.test")
    assert attempt("cora@example.test", PASSWORD, client=own).status_code == 302


def test_browser_in_which_an_invitation_was_taken_up_is_known(db: None) -> None:
    own, eve = Client(), make_user("Eve New", password=None)
    own.post(invitation_link(user=eve).removeprefix("http://localhost:8000"), {"password": PASSWORD})
    own.post("/sign-out/")
    lock_everywhere(eve.email)
    assert attempt(eve.email, PASSWORD, client=own).status_code == 302


def test_known_browser_has_a_limit_of_its_own(ada: User) -> None:
    own = Client()
    attempt(ada.email, PASSWORD, client=own)
    own.post("/sign-out/")
    answers = [attempt(ada.email, client=own, address=f"192.0.2.{number}").status_code for number in range(LIMIT)]
    assert answers[-1] == 429


def test_browser_known_to_one_account_is_not_to_another(ada: User) -> None:
    mallory = Client()
    attempt(make_user("Mallory").email, PASSWORD, client=mallory)
    mallory.post("/sign-out/")
    lock_everywhere(ada.email)
    assert attempt(ada.email, PASSWORD, client=mallory).status_code == 429


def test_forged_cookie_makes_no_browser_known(ada: User) -> None:
    lock_everywhere(ada.email)
    forger = Client()
    forger.cookies[COOKIE] = "eyJhIjoxfQ:1abcde:forged"
    assert attempt(ada.email, PASSWORD, client=forger).status_code == 429


def test_reset_by_mail_lets_the_owner_in_whatever_others_try(ada: User) -> None:
    lock_everywhere(ada.email)
    own = Client()
    own.post(f"/password-reset/{ada.pk}/{reset_tokens.make_token(ada)}/", {"password": "seven green bottles"})
    assert attempt(ada.email, "seven green bottles", client=own).status_code == 302


def test_owner_s_sign_in_does_not_reset_what_others_tried(ada: User) -> None:
    for number in range(LIMIT * 5 - 1):
        attempt(ada.email, address=f"198.51.100.{number}")
    attempt(ada.email, PASSWORD, address="203.0.113.1")
    assert attempt(ada.email, address="203.0.113.2").status_code == 429


def test_failed_single_sign_on_is_not_counted(ada: User, settings) -> None:
    settings.AXES_WHITELIST_CALLABLE = "portal.accounts.oidc.is_sign_on"
    request = RequestFactory().post("/sign-on/callback/")
    request.axes_locked_out, request.axes_ip_address = False, "192.0.2.7"
    GrowingLockOut().user_login_failed(None, {"code_verifier": "x", "nonce": "y"}, request)
    assert not SignInCount.objects.exists()


def test_old_counts_are_deleted(ada: User, clock: Clock) -> None:
    attempt(ada.email)
    clock.passes(hours=47)
    counts_forget()
    assert SignInCount.objects.exists()
    clock.passes(hours=2)
    counts_forget()
    assert not SignInCount.objects.exists()


def test_counts_name_nobody(ada: User) -> None:
    attempt(ada.email)
    kept = str(list(SignInCount.objects.values()))
    assert ada.email not in kept
    assert "192.0.2.7" not in kept
