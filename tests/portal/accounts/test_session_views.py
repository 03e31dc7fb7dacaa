"""Where one is signed in: the list, and ending sessions, over pages and REST."""

from datetime import timedelta
from unittest import mock

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone

from portal.accounts.models import BrowserSession, User
from portal.accounts.services import api_token_create
from portal.accounts.session_services import sessions_forget
from portal.audit.models import AuditEvent
from tests.portal.base import PASSWORD, client_of, make_user

ADDRESS = "/account/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def ada(db: None) -> User:
    return make_user("Ada Owner")


def browser(user: User, agent: str = FIREFOX, address: str = "192.0.2.7") -> Client:
    """Return a browser in which the person has signed in with the password."""
    client = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    assert client.post("/sign-in/", {"username": user.email, "password": PASSWORD}).status_code == 302
    return client


def row_of(client: Client) -> BrowserSession:
    return BrowserSession.objects.get(session_key=client.cookies[settings.SESSION_COOKIE_NAME].value)


def test_session_knows_its_person_device_and_address(ada: User) -> None:
    row = row_of(browser(ada))
    assert (row.user, row.device, row.address) == (ada, "Firefox on Linux", "192.0.2.7")
    assert row.begun_at is not None


def test_list_shows_one_s_own_sessions_and_marks_this_one(ada: User) -> None:
    here, other = browser(ada), browser(make_user("Ben Viewer"), address="192.0.2.99")
    browser(ada, agent="curl/8", address="2001:db8::1")
    page = here.get(ADDRESS).content.decode()
    assert page.count("this one") == 1
    assert "Firefox on Linux" in page
    assert "2001:db8::1" in page
    assert "Unknown browser" in page
    assert "192.0.2.99" not in page
    assert other.get(ADDRESS).content.decode().count("192.0.2.99") == 1


def test_pages_never_tell_a_session_s_key(ada: User) -> None:
    here = browser(ada)
    key, other_key = row_of(here).session_key, row_of(browser(ada)).session_key
    told = here.get(ADDRESS).content.decode() + here.get("/api/v1/sessions/").content.decode()
    told += b"".join(here.get(ADDRESS + "?format=csv")).decode()
    assert key not in told
    assert other_key not in told


def test_one_session_is_ended(ada: User) -> None:
    here, lost = browser(ada), browser(ada)
    assert here.post(f"{ADDRESS}{row_of(lost).id}/end/").status_code == 302
    assert lost.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200


def test_ending_this_session_signs_out(ada: User) -> None:
    here = browser(ada)
    here.post(f"{ADDRESS}{row_of(here).id}/end/")
    assert here.get("/account/").status_code == 302


def test_session_of_somebody_else_does_not_exist(ada: User) -> None:
    here, other = browser(ada), browser(make_user("Ben Viewer"))
    assert here.post(f"{ADDRESS}{row_of(other).id}/end/").status_code == 404
    assert here.delete(f"/api/v1/sessions/{row_of(other).id}/").status_code == 404
    assert other.get("/account/").status_code == 200


def test_all_others_are_ended(ada: User) -> None:
    here, first, second, ben = browser(ada), browser(ada), browser(ada), browser(make_user("Ben Viewer"))
    here.post(ADDRESS + "end-others/")
    assert [client.get("/account/").status_code for client in (here, first, second, ben)] == [200, 302, 302, 200]


def test_sessions_are_listed_and_ended_over_rest(ada: User) -> None:
    here, first, second = browser(ada), browser(ada), browser(ada)
    listed = here.get("/api/v1/sessions/").json()["results"]
    assert [entry["this_one"] for entry in listed].count(True) == 1
    assert len(listed) == 3
    assert here.delete(f"/api/v1/sessions/{row_of(first).id}/").status_code == 204
    assert first.get("/account/").status_code == 302
    assert here.post("/api/v1/sessions/end-others/").status_code == 204
    assert second.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200


def test_token_ends_every_session(ada: User) -> None:
    here = browser(ada)
    secret = api_token_create(user=ada, actor=ada, name="pipeline").secret
    Client(HTTP_AUTHORIZATION=f"Bearer {secret}").post("/api/v1/sessions/end-others/")
    assert here.get("/account/").status_code == 302


@pytest.mark.parametrize("permissions", [["api.view"], ["api.change"]])
def test_limited_token_ends_no_session(ada: User, permissions: list[str]) -> None:
    here = browser(ada)
    secret = api_token_create(user=ada, actor=ada, name="pipeline", permissions=permissions).secret
    pipeline = Client(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert pipeline.post("/api/v1/sessions/end-others/").status_code == 403
    assert pipeline.delete(f"/api/v1/sessions/{row_of(here).id}/").status_code == 403
    assert here.get("/account/").status_code == 200


def test_password_change_deletes_the_other_sessions_and_keeps_this_one(ada: User) -> None:
    here, elsewhere = browser(ada), browser(ada)
    here.post("/account/password/", {"current": PASSWORD, "password": "seven green bottles"})
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    assert BrowserSession.objects.get(user=ada) == row_of(here)


def test_request_under_way_does_not_bring_an_ended_session_back(ada: User) -> None:
    here = browser(ada)
    session = here.session
    session.get("selection")
    BrowserSession.objects.all().delete()
    session["selection"] = "late"
    with pytest.raises(UpdateError):
        session.save()
    assert not BrowserSession.objects.exists()


def test_last_seen_is_written_once_a_minute(ada: User) -> None:
    here = browser(ada)
    first = row_of(here).last_seen_at
    here.get("/account/")
    assert row_of(here).last_seen_at == first
    later = first + timedelta(minutes=2)
    with mock.patch("portal.accounts.middleware.timezone.now", return_value=later):
        here.get("/account/")
    assert row_of(here).last_seen_at == later


def test_session_goes_on_knowing_when_it_began(ada: User) -> None:
    here = browser(ada)
    begun = row_of(here).begun_at
    session = here.session
    session["selection"] = "changed"
    session.save()
    assert row_of(here).begun_at == begun


def test_next_person_in_the_same_browser_begins_anew(ada: User) -> None:
    here = browser(ada)
    here.post("/sign-in/", {"username": make_user("Ben Viewer").email, "password": PASSWORD})
    here.post("/sign-out/")
    assert not BrowserSession.objects.filter(user=ada).exists()


def test_expired_sessions_are_not_listed_and_forgotten(ada: User) -> None:
    here, old = browser(ada), browser(ada)
    BrowserSession.objects.filter(pk=row_of(old).pk).update(expire_date=timezone.now() - timedelta(days=1))
    assert len(here.get("/api/v1/sessions/").json()["results"]) == 1
    sessions_forget()
    assert BrowserSession.objects.get() == row_of(here)


def test_ending_is_recorded_without_the_key(ada: User) -> None:
    here, lost = browser(ada), browser(ada)
    key = row_of(lost).session_key
    here.post(f"{ADDRESS}{row_of(lost).id}/end/")
    here.post(ADDRESS + "end-others/")
    events = AuditEvent.objects.order_by("created_at")
    assert [event.action for event in events] == ["user.session_end", "user.sessions_end"]
    assert key not in str([(event.before, event.target_id) for event in events])


@pytest.mark.parametrize("address", [ADDRESS + "end-others/", ADDRESS + "00000000-0000-0000-0000-000000000000/end/"])
def test_ending_takes_post_only(ada: User, address: str) -> None:
    assert client_of(ada).get(address).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    assert strict.post(address).status_code == 403


def test_page_that_asks_nobody_asks_no_session(db: None, django_assert_num_queries) -> None:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
    with django_assert_num_queries(0):
        client.get("/livez")
