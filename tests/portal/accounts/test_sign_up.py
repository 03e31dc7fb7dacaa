"""A stranger registers."""

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.organizations.models import RoleBinding
from tests.portal.base import PASSWORD, client_of, make_user

ADDRESS = "/sign-up/"
CORA = {"name": "Cora Developer", "email": "Cora@Example.test", "password": PASSWORD}


def test_stranger_registers_and_is_signed_in(client: Client, db: None) -> None:
    response = client.post(ADDRESS, CORA)
    assert response.status_code == 302
    user = User.objects.get()
    assert (user.email, user.name, user.email_confirmed) == ("cora@example.test", "Cora Developer", False)
    assert client.session["_auth_user_id"] == str(user.pk)
    assert client.get("/account/").status_code == 200


def test_new_account_holds_nothing(client: Client, db: None) -> None:
    client.post(ADDRESS, CORA | {"is_operator": "on", "is_active": "on", "role": "owner"})
    assert not User.objects.get().is_operator
    assert not RoleBinding.objects.exists()


def test_registering_leads_to_the_page_asked_for(client: Client, db: None) -> None:
    assert client.post(ADDRESS, CORA | {"next": "/hub/"})["Location"] == "/hub/"


def test_the_form_keeps_the_page_asked_for(client: Client, db: None) -> None:
    page = client.get(ADDRESS, {"next": "/hub/?q=parcel"})
    assert page.context["next"] == "/hub/?q=parcel"
    assert 'name="next" value="/hub/?q=parcel"' in page.content.decode()


def test_registering_never_leads_elsewhere(client: Client, db: None) -> None:
    assert client.post(ADDRESS, CORA | {"next": "//evil.example/"})["Location"] == "/"


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"email": "not an address"}, "email", "valid email"),
        ({"email": "CORA@example.TEST"}, "email", "already an account"),
        ({"password": "short"}, "password", "too short"),
        ({"password": "password1234"}, "password", "too common"),
        ({"password": "Cora Developer"}, "password", "too similar"),
        ({"name": ""}, "name", "Fill this in"),
        ({"name": "x" * 121}, "name", "at most 120"),
    ],
)
def test_mistakes_are_told_beside_their_field(
    client: Client, db: None, change: dict[str, str], field: str, sentence: str
) -> None:
    make_user("Cora Earlier")
    response = client.post(ADDRESS, CORA | {"email": "new@example.test"} | change)
    assert response.status_code == 422
    assert sentence in " ".join(response.context["form"].errors[field])
    assert User.objects.count() == 1


def test_registering_is_limited_by_address(client: Client, db: None, settings) -> None:
    settings.SIGN_UPS_PER_HOUR = 2
    for number in range(2):
        assert Client().post(ADDRESS, CORA | {"email": f"c{number}@example.test"}).status_code == 302
    response = client.post(ADDRESS, CORA)
    assert response.status_code == 429
    assert "Try again in an hour" in response.content.decode()
    assert User.objects.count() == 2
    assert Client(REMOTE_ADDR="192.0.2.7").post(ADDRESS, CORA).status_code == 302


def test_registering_is_recorded_without_the_password(client: Client, db: None) -> None:
    client.post(ADDRESS, CORA)
    event = AuditEvent.objects.get()
    assert event.action == "user.create"
    assert PASSWORD not in str(event.after)


def test_somebody_signed_in_does_not_register_again(db: None) -> None:
    assert client_of(make_user("Ada Owner")).get(ADDRESS).status_code == 302
