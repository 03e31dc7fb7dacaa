"""The pages about one's own account, and invitations."""

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.accounts.services import invitation_link
from portal.audit.models import AuditEvent
from tests.portal.base import PASSWORD, client_of, make_user

NEW = "seven green bottles"


@pytest.fixture
def ada(db: None) -> User:
    return make_user("Ada Owner")


def path_of(user: User) -> str:
    return invitation_link(user=user).removeprefix("http://localhost:8000")


def test_name_can_be_changed(ada: User) -> None:
    assert client_of(ada).post("/account/", {"name": "Ada Lovelace"}).status_code == 302
    ada.refresh_from_db()
    assert ada.name == "Ada Lovelace"
    assert AuditEvent.objects.get().before == {"name": "Ada Owner"}


def test_page_changes_nothing_else(ada: User) -> None:
    client_of(ada).post("/account/", {"name": "Ada", "is_operator": "1", "email": "root@example.test"})
    ada.refresh_from_db()
    assert (ada.is_operator, ada.email) == (False, "ada@example.test")


def test_password_change_ends_other_sessions(ada: User) -> None:
    here, elsewhere = client_of(ada), client_of(ada)
    response = here.post("/account/password/", {"current": PASSWORD, "password": NEW})
    assert response.status_code == 302
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


@pytest.mark.parametrize(
    ("values", "field"),
    [({"current": "wrong", "password": NEW}, "current"), ({"current": PASSWORD, "password": "short"}, "password")],
)
def test_password_is_changed_only_with_the_current_one(ada: User, values: dict[str, str], field: str) -> None:
    response = client_of(ada).post("/account/password/", values)
    assert response.status_code == 422
    assert field in response.context["form"].errors
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_latest_changes_are_one_s_own(ada: User) -> None:
    ben = make_user("Ben Viewer")
    client_of(ada).post("/account/", {"name": "Ada Lovelace"})
    assert "User changed" in client_of(ada).get("/account/").content.decode()
    assert "User changed" not in client_of(ben).get("/account/").content.decode()


def test_invited_person_chooses_a_password_and_is_signed_in(client: Client, db: None) -> None:
    eve = make_user("Eve New", password=None)
    address = path_of(eve)
    assert client.get(address).status_code == 200
    assert client.post(address, {"password": NEW}).status_code == 302
    assert client.session["_auth_user_id"] == str(eve.pk)
    eve.refresh_from_db()
    assert eve.check_password(NEW)
    # Whoever invites may type any address: an invitation confirms none.
    assert not eve.email_confirmed


def test_invitation_works_once(client: Client, db: None) -> None:
    address = path_of(make_user("Eve New", password=None))
    client.post(address, {"password": NEW})
    response = Client().post(address, {"password": "another long one"})
    assert response.status_code == 410
    assert User.objects.get().check_password(NEW)


def test_weak_password_is_told_beside_its_field(client: Client, db: None) -> None:
    response = client.post(path_of(make_user("Eve New", password=None)), {"password": "short"})
    assert response.status_code == 422
    assert "password" in response.context["form"].errors


def test_invitation_of_one_person_opens_no_other_account(client: Client, ada: User) -> None:
    eve = make_user("Eve New", password=None)
    address = path_of(eve)
    for other in (ada, make_user("Mia New", password=None)):
        assert client.get(address.replace(str(eve.pk), str(other.pk))).status_code == 410


def test_inactive_person_s_invitation_does_not_work(client: Client, db: None) -> None:
    eve = make_user("Eve New", password=None)
    address = path_of(eve)
    User.objects.update(is_active=False)
    assert client.get(address).status_code == 410
