"""A lost password: the mail, its link and the new password."""

import re
from datetime import timedelta
from unittest import mock

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.test import Client
from kombu.exceptions import OperationalError

from portal.accounts.models import ApiToken, User
from portal.accounts.password_reset import reset_tokens
from portal.accounts.services import api_token_create, invitation_link
from portal.accounts.tasks import mail_password_reset
from portal.audit.models import AuditEvent
from tests.portal.base import PASSWORD, client_of, make_user

ASK = "/forgotten-password/"
NEW = "seven green bottles"


@pytest.fixture
def ada(db: None) -> User:
    return make_user("Ada Owner")


@pytest.fixture(autouse=True)
def _worker():
    """Run the job where it would have been queued."""
    with mock.patch.object(
        mail_password_reset, "apply_async", side_effect=lambda args, **_: mail_password_reset(*args)
    ):
        yield


def ask(email: str, **where: str):
    return Client(**where).post(ASK, {"email": email})


def link() -> str:
    return re.search(r"http://localhost:8000(/password-reset/\S+)", str(mail.outbox[-1].body)).group(1)


def test_link_of_the_mail_sets_a_new_password(client: Client, ada: User) -> None:
    ask("ADA@example.test")
    assert client.get(link()).status_code == 200
    response = client.post(link(), {"password": NEW})
    assert response["Location"] == "/sign-in/"
    ada.refresh_from_db()
    assert ada.check_password(NEW)
    assert "_auth_user_id" not in client.session


def test_mail_is_text_and_html_and_says_the_same(ada: User) -> None:
    ask(ada.email)
    message = mail.outbox[0]
    assert message.to == [ada.email]
    html, kind = message.alternatives[0]
    assert kind == "text/html"
    assert link() in html
    assert "30 minutes" in html
    assert "30 minutes" in message.body


def test_name_is_no_markup_in_the_mail(db: None) -> None:
    make_user("<b>Mallory</b>", email="mallory@example.test")
    ask("mallory@example.test")
    assert "<b>" not in mail.outbox[0].alternatives[0][0]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_link_never_follows_the_request_s_host(ada: User, host: str) -> None:
    ask(ada.email, HTTP_HOST=host)
    assert "http://localhost:8000/password-reset/" in mail.outbox[0].body


def test_known_and_unknown_addresses_get_the_same_answer(ada: User) -> None:
    make_user("Off", is_active=False)
    emails = (ada.email, "nobody@example.test", "off@example.test")
    answers = {email: ask(email) for email in emails}
    assert {answer.status_code for answer in answers.values()} == {200}
    told = {answer.content.decode().split("<main")[1].replace(email, "") for email, answer in answers.items()}
    assert len(told) == 1
    assert [message.to for message in mail.outbox] == [[ada.email]]


def test_answer_asks_the_database_for_nobody(ada: User, django_assert_num_queries) -> None:
    with mock.patch.object(mail_password_reset, "apply_async"), django_assert_num_queries(0):
        ask(ada.email)


def test_link_works_once(ada: User) -> None:
    ask(ada.email)
    Client().post(link(), {"password": NEW})
    assert Client().get(link()).status_code == 410
    assert Client().post(link(), {"password": "another long one"}).status_code == 410
    ada.refresh_from_db()
    assert ada.check_password(NEW)


def test_link_works_for_half_an_hour(ada: User) -> None:
    ask(ada.email)
    made = reset_tokens._now()
    for minutes, status in ((29, 200), (31, 410)):
        with mock.patch.object(reset_tokens, "_now", return_value=made + timedelta(minutes=minutes)):
            assert Client().get(link()).status_code == status


def test_signing_in_ends_the_link(client: Client, ada: User) -> None:
    ask(ada.email)
    client.post("/sign-in/", {"username": ada.email, "password": PASSWORD})
    assert Client().get(link()).status_code == 410


def test_new_password_ends_all_sessions(ada: User) -> None:
    elsewhere = client_of(ada)
    ask(ada.email)
    Client().post(link(), {"password": NEW})
    assert elsewhere.get("/account/").status_code == 302


def test_invitations_and_resets_are_not_taken_for_one_another(ada: User) -> None:
    assert not reset_tokens.check_token(ada, default_token_generator.make_token(ada))
    assert not default_token_generator.check_token(ada, reset_tokens.make_token(ada))
    eve = make_user("Eve New", password=None)
    address = invitation_link(user=eve).removeprefix("http://localhost:8000")
    assert Client().get(address.replace("invitation", "password-reset")).status_code == 410
    assert Client().get(f"/password-reset/{eve.pk}/{reset_tokens.make_token(eve)}/").status_code == 410


def test_link_of_one_person_opens_no_other_account(ada: User) -> None:
    ben = make_user("Ben Viewer")
    ask(ada.email)
    assert Client().get(link().replace(str(ada.pk), str(ben.pk))).status_code == 410


@pytest.mark.parametrize("token", ["x", "-", "a-b", "zzzzzzzzzzzzzzzzzz-1"])
def test_mangled_link_does_not_work(ada: User, token: str) -> None:
    assert Client().get(f"/password-reset/{ada.pk}/{token}/").status_code == 410


def test_weak_password_is_told_and_leaves_the_link_alive(ada: User) -> None:
    ask(ada.email)
    response = Client().post(link(), {"password": "short"})
    assert response.status_code == 422
    assert "too short" in " ".join(response.context["form"].errors["password"])
    assert Client().get(link()).status_code == 200


def test_account_without_a_password_is_told_how_to_sign_in(db: None) -> None:
    make_user("Linked", password=None)
    ask("linked@example.test")
    assert "single sign-on" in mail.outbox[0].body
    assert "password-reset" not in mail.outbox[0].body


def test_mailbox_gets_three_mails_an_hour(ada: User) -> None:
    assert {ask(ada.email).status_code for _ in range(5)} == {200}
    assert len(mail.outbox) == 3


def test_asking_is_limited_by_address(ada: User, settings) -> None:
    settings.PASSWORD_RESETS_PER_HOUR = 2
    assert [ask(f"n{number}@example.test").status_code for number in range(3)] == [200, 200, 429]
    assert ask(ada.email, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_queue_that_is_away_is_told(ada: User) -> None:
    with mock.patch.object(mail_password_reset, "apply_async", side_effect=OperationalError):
        response = ask(ada.email)
    assert response.status_code == 503
    assert "Try again later" in response.content.decode()


def test_strangers_tokens_end_when_the_mailbox_s_owner_comes(ada: User) -> None:
    api_token_create(user=ada, actor=ada, name="planted")
    ask(ada.email)
    Client().post(link(), {"password": NEW})
    assert not ApiToken.objects.usable().exists()
    ada.refresh_from_db()
    assert ada.email_confirmed


def test_tokens_of_a_confirmed_account_stay(ada: User) -> None:
    User.objects.update(email_confirmed=True)
    api_token_create(user=ada, actor=ada, name="pipeline")
    ask(ada.email)
    Client().post(link(), {"password": NEW})
    assert ApiToken.objects.usable().count() == 1


def test_asking_and_resetting_are_recorded_without_secrets(ada: User) -> None:
    ask(ada.email)
    address = link()
    Client().post(address, {"password": NEW})
    events = AuditEvent.objects.order_by("created_at")
    assert [event.action for event in events] == ["user.password_reset_request", "user.password_change"]
    assert events[0].request_id
    kept = "".join(f"{event.before}{event.after}{event.message}" for event in events)
    assert NEW not in kept
    assert address.split("/")[-2] not in kept


def test_who_asked_for_a_mail_is_seen_by_the_person(ada: User) -> None:
    ask(ada.email)
    assert "password reset request" in client_of(ada).get("/account/").content.decode().lower()
