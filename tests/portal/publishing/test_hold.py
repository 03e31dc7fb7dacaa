"""After a restore the gateway is held: what is edited waits, what concerns clients goes out."""

from typing import Any

import pytest

from gateway_runtime.schema import document as schema
from portal.apis.models import InstanceStatus
from portal.audit.models import AuditEvent
from portal.contracts.models import ClientApplication, Contract, ContractStatus
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.gateways.signals import gateway_configuration_changed
from portal.policies.services import policy_apply
from portal.publishing import services
from portal.publishing.models import Hold, Revision
from portal.publishing.sealing import revision_document
from portal.publishing.waiting import waiting_of
from tests.portal.base import World, client_of
from tests.portal.publishing.fake_redis import FakeRedis

pytestmark = pytest.mark.django_db
WAITS = "the change is saved and waits"


def publish(world: World) -> Revision:
    revision = services.gateway_publish(gateway_id=world.gateway.pk)
    assert revision is not None
    return revision


def move(world: World, base_path: str, actor: Any = None) -> None:
    world.instance.base_path = base_path
    world.instance.save()
    gateway_configuration_changed(gateway=world.gateway, actor=actor or world.ada, message=f"Moved to {base_path}")


@pytest.fixture
def hold(world: World, fake_redis: FakeRedis) -> Hold:
    """Revision 1 has /a, revision 2 /b; 1 was restored as 3."""
    move(world, "/a")
    first = publish(world)
    move(world, "/b")
    publish(world)
    services.revision_restore(revision=first, actor=world.ada)
    publish(world)
    return Hold.objects.get()


def running(world: World) -> schema.Document:
    return revision_document(Revision.objects.filter(gateway=world.gateway).order_by("-number")[0])


def test_edit_waits(world: World, hold: Hold) -> None:
    move(world, "/c", world.erik)
    assert publish(world).number == 3
    assert running(world).apis[0].base_path == "/a"
    hold.refresh_from_db()
    assert (hold.waiting_message, hold.waiting_actors) == ("Moved to /c", "Erik Editor")


def test_new_contract_goes_out_at_once_with_the_held_apis(world: World, hold: Hold) -> None:
    move(world, "/c")
    application = ClientApplication.objects.create(owner=world.cora, name="App", client_id="app-1")
    Contract.objects.create(application=application, instance=world.instance, status=ContractStatus.ACTIVE)
    gateway_configuration_changed(gateway=world.gateway, actor=world.ada, message="Contract approved", waits=False)
    revision = publish(world)
    assert (revision.number, revision.message) == (4, "Contract approved")
    assert running(world).apis[0].base_path == "/a"
    assert [contract.api for contract in running(world).contracts] == [str(world.instance.pk)]


def test_contract_of_an_api_taken_out_of_service_meanwhile_stays(world: World, hold: Hold) -> None:
    application = ClientApplication.objects.create(owner=world.cora, name="App", client_id="app-1")
    Contract.objects.create(application=application, instance=world.instance, status=ContractStatus.ACTIVE)
    world.instance.status = next(status for status in InstanceStatus if status is not InstanceStatus.ACTIVE)
    world.instance.save()
    gateway_configuration_changed(gateway=world.gateway, message="Out of service")
    publish(world)
    assert running(world).contracts


def test_what_waits_is_told_as_a_difference(world: World, hold: Hold) -> None:
    move(world, "/c")
    waiting = waiting_of(hold, world.ada)
    assert [change.sentence for change in waiting.changes] == ["API “Orders v1”: base_path /a → /c"]
    assert waiting.instances == (world.instance,)


def test_release_publishes_what_waits_by_those_who_saved_it(world: World, hold: Hold) -> None:
    move(world, "/c", world.erik)
    publish(world)
    services.hold_release(hold=hold, actor=world.ada)
    revision = publish(world)
    assert (revision.number, revision.message) == (4, "Moved to /c")
    assert revision.actor_name == "Erik Editor, Ada Owner"
    assert running(world).apis[0].base_path == "/c"
    assert not Hold.objects.exists()
    assert AuditEvent.objects.filter(action="hold.release").exists()


def test_hold_is_released_once(world: World, hold: Hold) -> None:
    services.hold_release(hold=hold, actor=world.ada)
    with pytest.raises(ApplicationError, match="not held any more"):
        services.hold_release(hold=hold, actor=world.ada)


def test_change_that_was_not_published_before_the_restore_waits(world: World, fake_redis: FakeRedis) -> None:
    move(world, "/a")
    first = publish(world)
    move(world, "/b")
    publish(world)
    move(world, "/c", world.erik)
    services.revision_restore(revision=first, actor=world.ada)
    assert publish(world).number == 3
    assert running(world).apis[0].base_path == "/a"
    assert Hold.objects.get().waiting_message == "Moved to /c"


def test_another_restore_keeps_what_waits(world: World, hold: Hold) -> None:
    move(world, "/c")
    second = Revision.objects.get(number=2)
    services.revision_restore(revision=second, actor=world.ada)
    again = Hold.objects.get()
    assert (again.revision, again.waiting_message) == (second, "Moved to /c")


def test_lost_revisions_are_made_anew_with_the_held_apis(world: World, hold: Hold, fake_redis: FakeRedis) -> None:
    move(world, "/c")
    fake_redis.set(f"portico:gateway:{world.gateway.pk}:pointer", 41)
    assert publish(world).number == 42
    assert running(world).apis[0].base_path == "/a"


def test_whoever_saves_is_told_that_it_waits(world: World, hold: Hold) -> None:
    ada = client_of(world.ada)
    body = {
        "instance": str(world.instance.pk),
        "policy": "http-basic-authentication",
        "config": {"username": "w", "password": "s3cret-s3cret"},
    }
    answer = ada.post("/api/v1/policy-bindings/", body, content_type="application/json")
    assert answer.status_code == 201
    assert answer["Portico-Remark"] == f"change-waits gateway={world.gateway.pk}"
    edit = console_url(world.production, "gateways:listener_create", world.gateway.pk)
    page = ada.post(edit, {"port": "8099", "name": "", "host": "0.0.0.0"}, follow=True).content.decode()
    assert WAITS in page


def test_nobody_is_told_so_where_nothing_is_held(world: World, fake_redis: FakeRedis) -> None:
    edit = console_url(world.production, "gateways:listener_create", world.gateway.pk)
    page = client_of(world.ada).post(edit, {"port": "8099", "name": "", "host": "0.0.0.0"}, follow=True)
    assert page.status_code == 200
    assert WAITS not in page.content.decode()


def test_gateway_page_shows_what_waits_with_its_effect(world: World, hold: Hold) -> None:
    policy_apply(
        actor=world.ada,
        instance=world.instance,
        policy="http-basic-authentication",
        config={"username": "w", "password": "s3cret-s3cret"},
    )
    page = client_of(world.ada).get(world.gateway.get_absolute_url()).content.decode()
    assert "Held on revision 1" in page
    assert "Policy <strong>Basic authentication</strong> on <strong>Orders v1</strong> added" in page
    assert "affects 0 applications" in page
    assert "s3cret" not in page
    assert "Publish what waits" in page
    assert "Publish what waits" not in client_of(world.ben).get(world.gateway.get_absolute_url()).content.decode()


def test_pages_below_the_gateway_say_that_it_is_held(world: World, hold: Hold) -> None:
    for name in ("apis:detail", "policies:list"):
        page = client_of(world.ada).get(console_url(world.production, name, world.instance.pk)).content.decode()
        assert "is held on revision 1" in page, name


@pytest.mark.parametrize(
    ("person", "status"), [("ada", 302), ("erik", 302), ("ben", 403), ("cora", 404), ("olaf", 404)]
)
def test_who_may_publish_what_waits(world: World, hold: Hold, person: str, status: int) -> None:
    address = console_url(world.production, "publishing:hold_publish", world.gateway.pk)
    assert client_of(getattr(world, person)).post(address).status_code == status
    assert Hold.objects.exists() is (status != 302)


def test_rest_shows_and_publishes_what_waits(world: World, hold: Hold) -> None:
    move(world, "/c")
    ben, erik = client_of(world.ben), client_of(world.erik)
    (row,) = ben.get("/api/v1/holds/").json()["results"]
    assert (row["gateway_name"], row["revision_number"], row["reason"]) == ("Edge", 1, "restored")
    one = ben.get(f"/api/v1/holds/{hold.pk}/").json()
    assert one["changes"][0]["sentence"] == "API “Orders v1”: base_path /a → /c"
    assert ben.post(f"/api/v1/holds/{hold.pk}/publish/").status_code == 403
    assert client_of(world.olaf).post(f"/api/v1/holds/{hold.pk}/publish/").status_code == 404
    assert erik.post(f"/api/v1/holds/{hold.pk}/publish/").status_code == 204
    assert not Hold.objects.exists()
