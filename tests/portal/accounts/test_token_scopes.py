"""A token does at most what it was made for, and never more than its person may at the time."""

from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import ApiToken
from portal.accounts.services import NewApiToken, api_token_create
from portal.audit.models import AuditEvent
from portal.contracts.models import ClientApplication
from portal.core.errors import ApplicationError
from portal.core.permission_areas import OWN, SEEING
from portal.organizations.holding import held_permissions, remembered_roles
from portal.organizations.models import Organization, RoleBinding
from tests.portal.base import World, client_of, make_role
from tests.portal.test_addresses import ALL, PUBLIC, concrete

JSON = "application/json"
FORM = "/account/api-tokens/new/"


def made(world: World, *permissions: str) -> NewApiToken:
    return api_token_create(user=world.ada, actor=world.ada, name="pipeline", permissions=permissions)


def caller(token: NewApiToken) -> Client:
    return Client(headers={"Authorization": f"Bearer {token.secret}"}, raise_request_exception=False)


def rename(client: Client, world: World) -> Any:
    return client.patch(f"/api/v1/api-instances/{world.instance.pk}/", {"label": "blue"}, content_type=JSON)


def test_a_token_does_what_its_permissions_say_and_what_these_need(world: World) -> None:
    client = caller(made(world, "instance.change"))
    assert rename(client, world).status_code == 200
    assert client.get("/api/v1/gateways/").json()["results"]
    refused = client.patch(f"/api/v1/gateways/{world.gateway.pk}/", {"name": "Rim"}, content_type=JSON)
    assert (refused.status_code, refused.json()["message"]) == (403, "Your role does not include gateway.change.")
    assert client.get("/api/v1/audit-events/").json()["results"] == []


def test_what_it_does_not_include_is_not_seen(world: World) -> None:
    client = caller(made(world, "audit.view"))
    assert client.get(f"/api/v1/api-instances/{world.instance.pk}/").status_code == 404


def test_it_never_does_more_than_its_person_may_now(world: World) -> None:
    client = caller(made(world, "instance.change"))
    make_role(world.ben, world.organization, "owner")
    RoleBinding.objects.filter(user=world.ada).delete()
    make_role(world.ada, world.organization, "viewer")
    assert rename(client, world).status_code == 403
    assert client.get(f"/api/v1/api-instances/{world.instance.pk}/").status_code == 200


def test_a_token_for_reading_changes_nothing_anywhere(world: World) -> None:
    client = caller(made(world, *SEEING))
    addresses = [concrete(route, world) for name, route in ALL if route.startswith("api/v1/") and name not in PUBLIC]
    assert len(addresses) > 50
    for address in addresses:
        for method in ("post", "put", "patch", "delete"):
            answer = getattr(client, method)(address, {}, content_type=JSON)
            assert answer.status_code in (403, 405), f"{method} {address}"


@pytest.mark.parametrize(("permissions", "status"), [(("instance.change",), 403), ((OWN.name,), 201)])
def test_what_is_ones_own_needs_its_own_permission(world: World, permissions: tuple[str, ...], status: int) -> None:
    client = caller(made(world, *permissions))
    assert client.post("/api/v1/applications/", {"name": "Shop"}, content_type=JSON).status_code == status
    assert ClientApplication.objects.filter(name="Shop").exists() is (status == 201)
    answer = client.post("/api/v1/api-tokens/", {"name": "more", "permissions": [OWN.name]}, content_type=JSON)
    assert answer.status_code == status


@pytest.mark.parametrize("asked", [None, ["instance.change"], [OWN.name, "gateway.change"]])
def test_a_token_makes_no_stronger_one(world: World, asked: list[str] | None) -> None:
    client = caller(made(world, OWN.name, "policy.view"))
    answer = client.post("/api/v1/api-tokens/", {"name": "more", "permissions": asked}, content_type=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "api_token_too_strong")
    assert list(answer.json()["fields"]) == ["/permissions"]
    assert ApiToken.objects.count() == 1


def test_a_token_gives_no_role_that_it_does_not_include(world: World) -> None:
    client = caller(made(world, "people.change", "api.view"))
    body = {"organization": str(world.organization.pk), "email": "eve@example.test", "name": "Eve", "role": "owner"}
    assert client.post("/api/v1/people/", body, content_type=JSON).status_code == 403


def test_an_operator_s_limited_token_makes_no_organization(world: World) -> None:
    world.ada.is_operator = True
    world.ada.save()
    body = {"name": "Harbour", "slug": "harbour"}
    client = caller(made(world, "organization.change", OWN.name))
    assert client.post("/api/v1/organizations/", body, content_type=JSON).status_code == 403
    assert not Organization.objects.filter(slug="harbour").exists()
    whole = api_token_create(user=world.ada, actor=world.ada, name="whole")
    assert caller(whole).post("/api/v1/organizations/", body, content_type=JSON).status_code == 201


def test_what_is_remembered_of_a_person_is_not_that_of_their_token(world: World) -> None:
    with remembered_roles():
        whole = held_permissions(world.ada, world.organization)
        world.ada.limit = frozenset({"api.view"})
        assert held_permissions(world.ada, world.organization) == {"api.view"}
        world.ada.limit = None
        assert held_permissions(world.ada, world.organization) == whole


@pytest.mark.parametrize(
    ("asked", "sentence"), [([], "Choose what"), (["nothing.else"], "no permission “nothing.else”")]
)
def test_what_is_no_scope_is_refused_beside_the_field(world: World, asked: list[str], sentence: str) -> None:
    with pytest.raises(ApplicationError, match=sentence) as refused:
        made(world, *asked)
    assert list(refused.value.fields) == ["permissions"]


def test_rest_tells_what_a_token_may_do(world: World) -> None:
    client = caller(made(world, "api.view", OWN.name))
    assert client.get("/api/v1/me/").json()["limit"] == ["organization.view", "environment.view", "api.view", OWN.name]
    (listed,) = client.get("/api/v1/api-tokens/").json()["results"]
    assert listed["permissions"] == ["organization.view", "environment.view", "api.view", OWN.name]
    assert client_of(world.ada).get("/api/v1/me/").json()["limit"] is None
    assert AuditEvent.objects.get(action="api_token.create").after["permissions"] == listed["permissions"]


class TestForm:
    def made(self, world: World, **values: Any) -> Any:
        return client_of(world.ada).post(FORM, {"name": "pipeline", "lasts": "90", **values})

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"scope": "everything"}, "Everything you may"),
            ({"scope": "reading"}, "Reading"),
            ({"scope": "chosen", "permissions": ["policy.change"]}, "Some of what you may"),
            ({"scope": "chosen", "own": "on"}, "Some of what you may"),
        ],
    )
    def test_the_list_says_what_each_may_do(self, world: World, values: Any, words: str) -> None:
        assert self.made(world, **values).status_code == 200
        assert words in client_of(world.ada).get("/account/api-tokens/").content.decode()

    def test_ticks_count_only_where_they_were_asked_for(self, world: World) -> None:
        self.made(world, scope="reading", permissions=["gateway.change"])
        assert ApiToken.objects.get().limit == SEEING

    def test_nothing_ticked_is_said_beside_the_matrix(self, world: World) -> None:
        page = self.made(world, scope="chosen")
        assert "Tick what the token may do." in page.content.decode()
        assert not ApiToken.objects.exists()
