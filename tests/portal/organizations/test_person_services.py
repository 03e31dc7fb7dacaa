"""What an administrator does to the account of a person."""

import pytest

from portal.accounts.models import BrowserSession
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.organizations.models import Role, RoleBinding
from portal.organizations.person_services import person_sessions_end
from tests.portal.base import World, client_of, make_role


def binding_of(world: World, name: str) -> RoleBinding:
    return RoleBinding.objects.filter(user=getattr(world, name), organization=world.organization).earliest("created_at")


def test_administrator_signs_a_person_out_everywhere(world: World) -> None:
    first, second, other = client_of(world.ben), client_of(world.ben), client_of(world.erik)
    address = console_url(world.production, "organizations:end_sessions", binding_of(world, "ben").pk)
    assert client_of(world.ada).post(address).status_code == 302
    assert [client.get("/account/").status_code for client in (first, second, other)] == [302, 302, 200]
    event = AuditEvent.objects.get(action="user.sessions_end")
    assert (event.actor_name, event.target_name) == ("Ada Owner", "Ben Viewer")


def test_sessions_of_a_person_are_ended_over_rest(world: World) -> None:
    ben = client_of(world.ben)
    response = client_of(world.ada).post(f"/api/v1/people/{binding_of(world, 'ben').pk}/end-sessions/")
    assert response.status_code == 204
    assert ben.get("/account/").status_code == 302


def test_viewer_signs_nobody_out(world: World) -> None:
    ada = client_of(world.ada)
    assert client_of(world.ben).post(f"/api/v1/people/{binding_of(world, 'ada').pk}/end-sessions/").status_code == 403
    assert ada.get("/account/").status_code == 200


def test_small_role_given_to_an_owner_does_not_let_sign_them_out(world: World) -> None:
    make_role(world.cora, world.sandbox, Role.OWNER)
    planted = make_role(world.ada, world.sandbox, Role.VIEWER)
    client_of(world.ada)
    with pytest.raises(ApplicationError, match="may not"):
        person_sessions_end(actor=world.cora, binding=planted)
    assert BrowserSession.objects.filter(user=world.ada).exists()
