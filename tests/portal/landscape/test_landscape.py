"""Which API calls which, and the picture of it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.analytics.models import TrafficMinute
from portal.analytics.summaries import summaries_add
from portal.apis.models import ApiInstance
from portal.apis.service_services import service_update
from portal.audit.models import AuditEvent
from portal.catalog.models import Layer
from portal.contracts.models import ClientApplication, Contract, ContractStatus
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.landscape.drawing import BOX_HEIGHT, BOX_WIDTH, draw
from portal.landscape.models import Caller
from portal.landscape.selectors import environment_landscape
from portal.landscape.services import callers_set
from tests.portal.base import PortalTestCase, World, client_of, make_api, make_instance
from tests.portal.cases import ObjectPageCases


@pytest.fixture
def shop(world: World) -> ApiInstance:
    """An experience API that calls the orders of the world."""
    world.production.allow_private_targets = True
    world.production.save()
    api = make_api(world.organization, "Shop", layer=Layer.EXPERIENCE)
    return make_instance(world.gateway, api.versions.get(), base_path="/shop", url="http://localhost:8080/orders/v2")


def calls(world: World, user: Any = None, layer: str = "") -> list[tuple[str, str, list[str], int]]:
    found = environment_landscape(user=user or world.ada, environment=world.production, layer=layer)
    return [(str(each.caller), str(each.called), each.services, each.requests) for each in found.calls]


def application(world: World, name: str = "Shop backend") -> ClientApplication:
    made = ClientApplication.objects.create(owner=world.cora, name=name, client_id=name)
    Contract.objects.create(application=made, instance=world.instance, status=ContractStatus.ACTIVE)
    return made


def traffic(world: World, application: ClientApplication, instance: ApiInstance, **more: Any) -> None:
    summaries_add([TrafficMinute(**{
        "minute": timezone.now(), "organization_id": world.organization.pk, "environment_id": world.production.pk,
        "gateway_id": world.gateway.pk, "instance": str(instance.pk), "application": str(application.pk), "status": 200,
        "requests": 7, **more,
    })])  # fmt: skip


def test_a_service_at_the_address_of_an_api_is_a_call(world: World, shop: ApiInstance) -> None:
    assert calls(world) == [("Shop v1", "Orders v1", ["default"], 0)]


@pytest.mark.parametrize(
    ("url", "is_call"),
    [
        ("http://localhost:8080/orders", True),
        ("http://127.0.0.1:8080/orders/", True),
        ("http://[::1]:8080/orders/a/b", True),
        ("http://edge.example.test:8080/orders", True),
        ("https://api.example.test/shop-orders/x", True),
        ("http://localhost:8080/ordersandmore", False),
        ("http://localhost:8081/orders", False),
        ("http://localhost:8080/", False),
        ("http://elsewhere.example.test:8080/orders", False),
        ("https://api.example.test/", False),
    ],
)
def test_host_port_and_path_have_to_be_those_of_the_api(
    world: World, shop: ApiInstance, url: str, is_call: bool
) -> None:
    world.gateway.replicas.create(
        replica_id="r", host="edge.example.test", pid=1, version="1", workers=1, started_at=timezone.now(),
        seen_at=timezone.now(), state="applied",
    )  # fmt: skip
    world.instance.consumer_endpoint = "https://api.example.test/shop-orders"
    world.instance.save()
    service_update(actor=world.ada, service=shop.services.get(), url=url)
    assert bool(calls(world)) is is_call


def test_further_targets_of_a_service_count_too(world: World, shop: ApiInstance) -> None:
    service_update(
        actor=world.ada, service=shop.services.get(), url="http://elsewhere.example.test/orders",
        settings={"targets": [{"address": "http://localhost:8080"}]},
    )  # fmt: skip
    assert calls(world) == [("Shop v1", "Orders v1", ["default"], 0)]


def test_traffic_of_an_application_is_a_call_once_somebody_says_for_whom(world: World, shop: ApiInstance) -> None:
    service_update(actor=world.ada, service=shop.services.get(), url="https://elsewhere.example.test")
    made = application(world)
    traffic(world, made, world.instance)
    traffic(world, made, world.instance, minute=timezone.now() - timedelta(days=30), requests=100)
    assert calls(world) == []
    callers_set(actor=world.ada, instance=shop, applications=[made])
    assert calls(world) == [("Shop v1", "Orders v1", [], 7)]
    assert AuditEvent.objects.get(action="instance.callers").after == {"applications": ["Shop backend"]}
    callers_set(actor=world.ada, instance=shop, applications=[])
    assert calls(world) == []


def test_calls_to_itself_are_none(world: World) -> None:
    made = application(world)
    traffic(world, made, world.instance)
    callers_set(actor=world.ada, instance=world.instance, applications=[made])
    assert calls(world) == []


def test_an_application_without_a_contract_here_is_refused(world: World, shop: ApiInstance) -> None:
    stranger = ClientApplication.objects.create(owner=world.olaf, name="Theirs", client_id="theirs")
    with pytest.raises(ApplicationError, match="no contract in Production"):
        callers_set(actor=world.ada, instance=shop, applications=[stranger])


def test_a_layer_is_shown_with_its_neighbours(world: World, shop: ApiInstance) -> None:
    make_instance(world.gateway, make_api(world.organization, "Alone").versions.get(), base_path="/alone")
    found = environment_landscape(user=world.ada, environment=world.production, layer="experience")
    assert [str(each) for each in found.instances] == ["Orders v1", "Shop v1"]
    assert not environment_landscape(user=world.ada, environment=world.production, layer="process").instances


def test_nobody_sees_the_instances_of_others(world: World, shop: ApiInstance) -> None:
    assert calls(world, world.olaf) == []
    assert not environment_landscape(user=world.olaf, environment=world.production).instances


@pytest.mark.parametrize("columns", [1, 4])
def test_boxes_stay_inside_their_lanes_and_never_overlap(world: World, shop: ApiInstance, columns: int) -> None:
    for number in range(9):
        api = make_api(world.organization, f"Api {number}", layer=list(Layer)[number % 3])
        make_instance(world.gateway, api.versions.get(), base_path=f"/api-{number}")
    made = draw(environment_landscape(user=world.ada, environment=world.production), columns)
    lanes = {lane.layer: lane for lane in made.lanes}
    for box in made.boxes:
        lane = lanes[box.instance.layer]
        assert lane.y <= box.y
        assert box.y + BOX_HEIGHT <= lane.y + lane.height <= made.height
        assert 0 <= box.x <= made.width - BOX_WIDTH
    places = [(box.x, box.y) for box in made.boxes]
    assert len(set(places)) == len(places) == 11
    assert [line.title for line in made.lines] == ["Shop v1 calls Orders v1"]


def test_the_page_has_picture_and_table(world: World, shop: ApiInstance) -> None:
    page = client_of(world.ben).get(console_url(world.production, "landscape:map"))
    text = page.content.decode()
    assert text.count('<svg class="map"') == 2
    assert "Which API calls which" in text
    assert "Service default" in text
    assert client_of(world.olaf).get(console_url(world.production, "landscape:map")).status_code == 404


def test_a_long_table_has_pages_and_a_long_line_an_end(
    world: World, shop: ApiInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.landscape.views.CALLS_AT_ONCE", 1)
    monkeypatch.setattr("portal.landscape.views.MOST_SILENT", 1)
    make_instance(
        world.gateway, make_api(world.organization, "Till").versions.get(), base_path="/till",
        url="http://localhost:8080/orders",
    )  # fmt: skip
    for name in ("Alone", "Lonely", "Silent"):
        make_instance(world.gateway, make_api(world.organization, name).versions.get(), base_path=f"/{name.lower()}")
    address = console_url(world.production, "landscape:map")
    first, second = (client_of(world.ben).get(f"{address}?page={page}").content.decode() for page in (1, 2))
    assert ("1–1 of 2" in first, "2–2 of 2" in second) == (True, True)
    assert first.count('data-label="Calls"') == second.count('data-label="Calls"') == 1
    assert "and 2 more" in first


def test_an_environment_without_apis_says_so(world: World) -> None:
    page = client_of(world.ben).get(console_url(world.sandbox, "landscape:map"))
    assert "Nothing to draw" in page.content.decode()


def test_the_page_of_an_api_shows_its_calls(world: World, shop: ApiInstance) -> None:
    address = console_url(world.production, "landscape:calls", world.instance.pk)
    assert address in client_of(world.ben).get(world.instance.get_absolute_url()).content.decode()
    text = client_of(world.ben).get(address).content.decode()
    assert "Is called by" in text
    assert shop.get_absolute_url() in text


def test_the_number_of_queries_does_not_depend_on_the_number_of_apis(
    world: World, shop: ApiInstance, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        api = make_api(world.organization, f"Api {number}")
        make_instance(world.gateway, api.versions.get(), base_path=f"/api-{number}")
    callers_set(actor=world.ada, instance=shop, applications=[application(world)])
    with django_assert_max_num_queries(10):
        environment_landscape(user=world.ada, environment=world.production)


def test_rest_tells_the_same(world: World, shop: ApiInstance) -> None:
    address = f"/api/v1/landscape/?environment={world.production.pk}"
    body = client_of(world.ben).get(address).json()
    assert [(each["caller"], each["called"]) for each in body["calls"]] == [(str(shop.pk), str(world.instance.pk))]
    assert {each["layer"] for each in body["instances"]} == {"experience", "system"}
    assert client_of(world.olaf).get(address).status_code == 404


def test_rest_sets_callers(world: World, shop: ApiInstance) -> None:
    made = application(world)
    address = f"/api/v1/api-instances/{shop.pk}/callers/"

    def put(user: Any, *ids: Any) -> Any:
        body = json.dumps({"applications": [str(each) for each in ids]})
        return client_of(user).put(address, body, content_type="application/json")

    assert put(world.ada, made.pk).json() == {"applications": [str(made.pk)]}
    assert put(world.ben, made.pk).status_code == 403
    assert put(world.olaf, made.pk).status_code == 404
    stranger = ClientApplication.objects.create(owner=world.olaf, name="Theirs", client_id="theirs")
    assert put(world.ada, stranger.pk).status_code == 400
    assert client_of(world.ben).get(address).json() == {"applications": [str(made.pk)]}


class CallersPageTests(ObjectPageCases, PortalTestCase):
    detail_page, edit_page = "landscape:calls", "landscape:callers"
    target, other_target = "instance", "other_instance"


def test_of_many_applications_those_chosen_and_some_others_are_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.landscape.forms.LISTED", 2)
    chosen, *_ = [application(world, name) for name in ("Zebra", "Antelope", "Bee", "Crow", "Dragon")]
    Caller.objects.create(instance=world.instance, application=chosen)
    address = console_url(world.production, "landscape:callers", world.instance.pk)
    page = client_of(world.ada).get(address).content.decode()
    assert [name for name in ("Zebra", "Antelope", "Bee", "Crow", "Dragon") if name in page] == [
        "Zebra",
        "Antelope",
        "Bee",
    ]
    found = client_of(world.ada).get(address, {"find": "drag"}).content.decode()
    assert [name for name in ("Zebra", "Antelope", "Bee", "Crow", "Dragon") if name in found] == ["Zebra", "Dragon"]
    nobody = client_of(world.ada).get(address, {"find": "nobody"}).context["form"]
    assert "has “nobody” in its name" in nobody["applications"].help_text


def test_an_application_that_was_not_listed_can_be_chosen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.landscape.forms.LISTED", 0)
    made = application(world)
    address = console_url(world.production, "landscape:callers", world.instance.pk)
    client_of(world.ada).post(address, {"applications": [str(made.pk)]})
    assert list(world.instance.callers.values_list("application", flat=True)) == [made.pk]


def test_what_is_no_application_is_refused_beside_the_field(world: World) -> None:
    application(world)
    address = console_url(world.production, "landscape:callers", world.instance.pk)
    answer = client_of(world.ada).post(address, {"applications": ["nonsense"]})
    assert answer.context["form"].errors["applications"]
