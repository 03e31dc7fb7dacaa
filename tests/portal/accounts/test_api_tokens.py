"""Making, listing and revoking API tokens, in the console, by REST and on the command line."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from portal.accounts.models import ApiToken, User
from portal.accounts.services import MAXIMUM_TOKENS, api_token_create
from portal.accounts.tokens import is_well_formed
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from tests.portal.base import client_of, make_user

API = "/api/v1/api-tokens/"


@pytest.fixture
def ada(db: None) -> User:
    return make_user("Ada Owner")


def with_token(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


class TestConsole:
    def test_secret_is_shown_once(self, ada: User) -> None:
        client = client_of(ada)
        page = client.post("/account/api-tokens/new/", {"name": "deploy", "lasts": "30", "scope": "everything"})
        assert page.status_code == 200
        secret = page.context["entries"][0][1]
        assert is_well_formed(secret)
        assert secret in page.content.decode()
        assert "no-store" in page["Cache-Control"]
        listed = client.get("/account/api-tokens/").content.decode()
        assert secret not in listed
        assert secret[:16] in listed
        assert with_token(secret).get("/api/v1/me/").status_code == 200

    def test_expiry_is_as_chosen(self, ada: User) -> None:
        client_of(ada).post("/account/api-tokens/new/", {"name": "deploy", "lasts": "30", "scope": "everything"})
        left = ApiToken.objects.get().expires_at - timezone.now()
        assert timedelta(days=29, hours=23) < left <= timedelta(days=30)

    def test_token_may_last(self, ada: User) -> None:
        client_of(ada).post("/account/api-tokens/new/", {"name": "deploy", "lasts": "never", "scope": "everything"})
        assert ApiToken.objects.get().expires_at is None

    def test_revoked_token_is_refused_at_once(self, ada: User) -> None:
        made = api_token_create(user=ada, actor=ada, name="deploy")
        response = client_of(ada).post(f"/account/api-tokens/{made.token.pk}/revoke/")
        assert response.status_code == 302
        assert with_token(made.secret).get("/api/v1/me/").status_code == 401

    def test_nobody_touches_somebody_else_s(self, ada: User) -> None:
        made = api_token_create(user=ada, actor=ada, name="deploy")
        ben = client_of(make_user("Ben Viewer"))
        assert ben.post(f"/account/api-tokens/{made.token.pk}/revoke/").status_code == 404
        assert "deploy" not in ben.get("/account/api-tokens/").content.decode()
        assert ApiToken.objects.usable().count() == 1

    def test_empty_list_offers_to_make_one(self, ada: User) -> None:
        assert "No API tokens yet" in client_of(ada).get("/account/api-tokens/").content.decode()


class TestRest:
    def test_token_is_made_listed_and_revoked(self, ada: User) -> None:
        client = client_of(ada)
        made = client.post(API, {"name": "deploy"}, content_type="application/json")
        assert made.status_code == 201
        body = made.json()
        assert with_token(body["token"]).get("/api/v1/me/").status_code == 200
        rows = client.get(API).json()["results"]
        assert [row["name"] for row in rows] == ["deploy"]
        assert "token" not in rows[0]
        assert "digest" not in rows[0]
        assert client.delete(f"{API}{body['id']}/").status_code == 204
        assert client.get(f"{API}{body['id']}/").json()["state"] == "revoked"
        assert with_token(body["token"]).get("/api/v1/me/").status_code == 401

    def test_nobody_sees_somebody_else_s(self, ada: User) -> None:
        made = api_token_create(user=ada, actor=ada, name="deploy")
        ben = client_of(make_user("Ben Viewer"))
        assert ben.get(API).json()["count"] == 0
        assert ben.get(f"{API}{made.token.pk}/").status_code == 404
        assert ben.delete(f"{API}{made.token.pk}/").status_code == 404

    def test_what_is_decided_by_the_server_is_ignored(self, ada: User) -> None:
        ben = make_user("Ben Viewer")
        body = {"name": "x", "user": str(ben.pk), "digest": "0" * 64, "hint": "h", "last_used_at": "2020-01-01T00:00Z"}
        client_of(ada).post(API, body, content_type="application/json")
        token = ApiToken.objects.get()
        assert (token.user, token.last_used_at) == (ada, None)
        assert token.hint.startswith("portico_pat_")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [({}, "/name"), ({"name": " "}, "/name"), ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at")],
    )
    def test_mistakes_are_told_by_field(self, ada: User, body: dict[str, str], pointer: str) -> None:
        response = client_of(ada).post(API, body, content_type="application/json")
        assert response.status_code == 400
        assert pointer in response.json()["fields"]

    def test_token_cannot_outlive_the_one_that_makes_it(self, ada: User) -> None:
        end = timezone.now() + timedelta(days=2)
        client = with_token(api_token_create(user=ada, actor=ada, name="short", expires_at=end).secret)
        for expires_at in (None, (end + timedelta(seconds=5)).isoformat()):
            body = {"name": "long", "expires_at": expires_at}
            response = client.post(API, body, content_type="application/json")
            assert response.json()["code"] == "api_token_lasts_too_long"
        body = {"name": "shorter", "expires_at": (end - timedelta(days=1)).isoformat()}
        assert client.post(API, body, content_type="application/json").status_code == 201


class TestCommand:
    def test_prints_the_token_and_nothing_else(self, ada: User) -> None:
        out, err = StringIO(), StringIO()
        call_command("api_token", "ADA@example.test", "script", stdout=out, stderr=err)
        assert is_well_formed(out.getvalue().removesuffix("\n"))
        assert err.getvalue() == ""
        assert with_token(out.getvalue().strip()).get("/api/v1/me/").json()["email"] == ada.email

    def test_token_may_end(self, ada: User) -> None:
        call_command("api_token", ada.email, "script", "--days", "3", stdout=StringIO())
        assert ApiToken.objects.get().expires_at is not None

    @pytest.mark.parametrize(
        "arguments", [["nobody@example.test", "x"], ["ada@example.test", " "], ["ada@example.test", "x", "--days=0"]]
    )
    def test_mistakes_are_one_sentence(self, ada: User, arguments: list[str]) -> None:
        with pytest.raises(CommandError, match=r"\.$"):
            call_command("api_token", *arguments, stdout=StringIO())
        assert not ApiToken.objects.exists()


def test_number_of_tokens_is_bounded(ada: User) -> None:
    ApiToken.objects.bulk_create(
        ApiToken(user=ada, name=f"t{number}", digest=str(number), hint="h") for number in range(MAXIMUM_TOKENS)
    )
    with pytest.raises(ApplicationError) as raised:
        api_token_create(user=ada, actor=ada, name="one more")
    assert raised.value.code == "api_token_too_many"


def test_making_and_revoking_is_recorded_without_the_secret(ada: User) -> None:
    client = client_of(ada)
    body = client.post(API, {"name": "deploy"}, content_type="application/json").json()
    client.delete(f"{API}{body['id']}/")
    events = list(AuditEvent.objects.order_by("created_at"))
    assert [event.action for event in events] == ["api_token.create", "api_token.revoke"]
    assert body["token"] not in str([event.after for event in events])
