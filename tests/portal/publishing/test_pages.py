"""Pages and REST of revisions."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from portal.contracts.models import ClientApplication, Contract, ContractStatus
from portal.core.links import console_url
from portal.gateways.signals import gateway_configuration_changed
from portal.policies.services import policy_apply, policy_update
from portal.publishing import services
from portal.publishing.models import Revision
from portal.publishing.sealing import revision_document
from tests.portal.base import World, client_of, make_api, make_instance
from tests.portal.publishing.fake_redis import FakeRedis
from tests.portal.traffic import traffic_store

pytestmark = pytest.mark.django_db
SECRET = "a secret nobody may read"


@pytest.fixture
def revisions(world: World, fake_redis: FakeRedis) -> list[Revision]:
    """Two revisions: a policy applied, and its settings changed."""
    binding = policy_apply(
        actor=world.ada,
        instance=world.instance,
        policy="http-basic-authentication",
        config={"username": "warehouse", "password": SECRET},
    )
    services.gateway_publish(gateway_id=world.gateway.pk)
    policy_update(actor=world.ada, binding=binding, config={"username": "shop", "password": SECRET + "!"})
    services.gateway_publish(gateway_id=world.gateway.pk)
    return list(Revision.objects.order_by("number"))


def url(world: World, name: str, *args: Any) -> str:
    return console_url(world.production, f"publishing:{name}", world.gateway.pk, *args)


def test_list_says_who_changed_what(world: World, revisions: list[Revision]) -> None:
    html = client_of(world.ben).get(url(world, "list")).content.decode()
    assert "Revision 2" in html
    assert "Applied Basic authentication to Orders v1" in html
    assert "Ada Owner" in html


def test_detail_shows_old_and_new_without_secrets(world: World, revisions: list[Revision]) -> None:
    html = client_of(world.ben).get(url(world, "detail", revisions[1].pk)).content.decode()
    assert "warehouse" in html
    assert "shop" in html
    assert SECRET not in html
    assert "Restore" not in html


def test_first_revision_has_a_page(world: World, revisions: list[Revision]) -> None:
    assert "the first revision" in client_of(world.ada).get(url(world, "detail", revisions[0].pk)).content.decode()


@pytest.mark.parametrize(
    ("person", "status"), [("ada", 302), ("erik", 302), ("ben", 403), ("cora", 404), ("olaf", 404)]
)
def test_who_may_restore(world: World, revisions: list[Revision], person: str, status: int) -> None:
    response = client_of(getattr(world, person)).post(url(world, "restore", revisions[0].pk))
    assert response.status_code == status
    assert Revision.objects.count() == (3 if status == 302 else 2)


@pytest.mark.parametrize("person", ["cora", "olaf"])
def test_strangers_find_nothing(world: World, revisions: list[Revision], person: str) -> None:
    client = client_of(getattr(world, person))
    for address in (url(world, "list"), url(world, "deployment"), url(world, "detail", revisions[0].pk)):
        assert client.get(address).status_code == 404
    assert client.get("/api/v1/revisions/").json()["results"] == []
    assert client.get(f"/api/v1/revisions/{revisions[0].pk}/").status_code == 404


def test_revision_is_not_found_below_another_gateway(world: World, revisions: list[Revision]) -> None:
    address = console_url(world.production, "publishing:detail", world.other_gateway.pk, revisions[0].pk)
    assert client_of(world.ada).get(address).status_code == 404


def test_rest_reads_and_restores(world: World, revisions: list[Revision]) -> None:
    ada = client_of(world.ada)
    rows = ada.get("/api/v1/revisions/", {"gateway": str(world.gateway.pk)}).json()["results"]
    assert [row["number"] for row in rows] == [2, 1]
    one = ada.get(f"/api/v1/revisions/{revisions[1].pk}/")
    settings = one.json()["changes"][0]["settings"]
    assert {"path": "username", "old": "warehouse", "new": "shop"} in settings
    assert SECRET not in one.content.decode()
    assert "envelope" not in one.json()
    restored = ada.post(f"/api/v1/revisions/{revisions[0].pk}/restore/")
    assert (restored.status_code, restored.json()["number"]) == (201, 3)


def test_viewer_cannot_restore_by_rest(world: World, revisions: list[Revision]) -> None:
    assert client_of(world.ben).post(f"/api/v1/revisions/{revisions[0].pk}/restore/").status_code == 403


def test_gateway_and_instance_pages_show_the_deployment(world: World, revisions: list[Revision]) -> None:
    for address in (
        console_url(world.production, "gateways:detail", world.gateway.pk),
        console_url(world.production, "apis:detail", world.instance.pk),
        console_url(world.production, "policies:list", world.instance.pk),
    ):
        assert 'id="deployment"' in client_of(world.ada).get(address).content.decode(), address


def test_list_needs_the_same_number_of_queries_for_more_revisions(
    world: World, revisions: list[Revision], django_assert_max_num_queries: Any
) -> None:
    client = client_of(world.ada)
    client.get(url(world, "list"))
    for number in range(5):
        world.instance.base_path = f"/a{number}"
        world.instance.save()
        gateway_configuration_changed(gateway=world.gateway, message="x")
        services.gateway_publish(gateway_id=world.gateway.pk)
    with django_assert_max_num_queries(14):
        client.get(url(world, "list"))


def traffic(world: World, *, days_ago: float, requests: int) -> None:
    traffic_store(world.instance, minute=timezone.now() - datetime.timedelta(days=days_ago), requests=requests)


def test_change_says_how_many_applications_and_calls_it_affects(world: World, fake_redis: FakeRedis) -> None:
    application = ClientApplication.objects.create(owner=world.cora, name="App", client_id="app-1")
    Contract.objects.create(application=application, instance=world.instance, status=ContractStatus.ACTIVE)
    gateway_configuration_changed(gateway=world.gateway, message="First")
    services.gateway_publish(gateway_id=world.gateway.pk)
    traffic(world, days_ago=1, requests=2_300_000)
    traffic(world, days_ago=8, requests=1)
    world.instance.base_path = "/moved"
    world.instance.save()
    gateway_configuration_changed(gateway=world.gateway, message="Moved")
    revision = services.gateway_publish(gateway_id=world.gateway.pk)
    assert revision is not None
    (change,) = client_of(world.ada).get(f"/api/v1/revisions/{revision.pk}/").json()["changes"]
    assert change["sentence"] == "API “Orders v1”: base_path /orders → /moved"
    assert change["effect"] == {"applications": 1, "calls": 2_300_000}
    html = client_of(world.ben).get(url(world, "detail", revision.pk)).content.decode()
    assert "affects 1 application, 2.3\u00a0M calls in the last 7 days" in html


def test_any_two_revisions_can_be_compared(world: World, revisions: list[Revision]) -> None:
    services.revision_restore(revision=revisions[0], actor=world.ada)
    ben = client_of(world.ben)
    same = ben.get(url(world, "compare"), {"base": "1", "number": "3"}).content.decode()
    assert "both have the same configuration" in same
    back = ben.get(url(world, "compare"), {"base": "2", "number": "1"}).content.decode()
    assert back.index("shop") < back.index("warehouse", back.index("shop"))
    changes = ben.get(f"/api/v1/revisions/{revisions[0].pk}/compare/", {"base": 2}).json()["changes"]
    assert {"path": "username", "old": "shop", "new": "warehouse"} in changes[0]["settings"]
    assert "Choose two" in ben.get(url(world, "compare"), {"base": "9", "number": "x"}).content.decode()
    refused = ben.get(f"/api/v1/revisions/{revisions[0].pk}/compare/", {"base": 9})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["/base"])


@pytest.mark.parametrize("person", ["cora", "olaf"])
def test_strangers_compare_nothing(world: World, revisions: list[Revision], person: str) -> None:
    client = client_of(getattr(world, person))
    assert client.get(url(world, "compare"), {"base": "1", "number": "2"}).status_code == 404
    assert client.get(f"/api/v1/revisions/{revisions[0].pk}/compare/", {"base": 2}).status_code == 404


def test_broken_api_is_told_with_its_reason_while_all_others_publish(world: World, fake_redis: FakeRedis) -> None:
    other = make_instance(world.gateway, make_api(world.organization, "Payments").versions.get(), base_path="/pay")
    gateway_configuration_changed(gateway=world.gateway, message="First")
    services.gateway_publish(gateway_id=world.gateway.pk)
    world.instance.routes.all().delete()
    other.base_path = "/payments"
    other.save()
    gateway_configuration_changed(gateway=world.gateway, message="Broken, and moved")
    revision = services.gateway_publish(gateway_id=world.gateway.pk)
    assert revision is not None
    published = {api.name: api for api in revision_document(revision).apis}
    assert published["Payments v1"].base_path == "/payments"
    assert published["Orders v1"].routes
    ben = client_of(world.ben)
    reason = "It has no route."
    broken = ben.get(console_url(world.production, "apis:detail", world.instance.pk)).content.decode()
    assert reason in broken
    assert "Its last good form stays in force" in broken
    assert reason in ben.get(url(world, "detail", revision.pk)).content.decode()
    assert reason not in ben.get(console_url(world.production, "apis:detail", other.pk)).content.decode()
