"""Changes of routes: conditions, destinations and order."""

import pytest

from portal.apis.route_services import Way, route_create, route_delete, route_move, route_place, route_update
from portal.apis.service_services import service_create
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError


def create(world, name="eu", rules=None, ways=None):
    ways = [Way(world.instance.services.get(name="default"))] if ways is None else ways
    rules = [{"path": f"/{name}/.*"}] if rules is None else rules
    return route_create(actor=world.ada, instance=world.instance, name=name, rules=rules, destinations=ways)


def names(world):
    return [route.name for route in world.instance.routes.all()]


def test_a_new_route_is_tried_before_the_one_for_everything(world, messages):
    create(world, "eu")
    create(world, "us")
    assert names(world) == ["eu", "us", "all requests"]
    assert messages == ["Added route eu to Orders v1", "Added route us to Orders v1"]


def test_a_new_route_is_tried_last_where_none_takes_everything(world):
    route_update(actor=world.ada, route=world.instance.routes.get(), rules=[{"path": "/x"}])
    create(world)
    assert names(world) == ["all requests", "eu"]


def test_room_is_made_before_the_route_for_everything(world):
    world.instance.routes.update(order=0)
    create(world)
    assert names(world) == ["eu", "all requests"]


def test_methods_and_header_names_are_written_one_way(world):
    route = create(world, rules=[{"methods": "get, head", "headers": {"X-Kind": "a|b"}}])
    assert route.rules == [{"methods": "GET|HEAD", "headers": {"x-kind": "a|b"}}]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"path": "(?=x)"}, "rules.1.path"),
        ({"host": "("}, "rules.1.host"),
        ({"methods": "GTE"}, "rules.1.methods"),
        ({"headers": {"no header": ".*"}}, "rules.1.headers"),
        ({"query": "x"}, "rules.1.query"),
    ],
)
def test_a_wrong_condition_is_named_where_it_is(world, rule, field):
    with pytest.raises(ApplicationError) as caught:
        create(world, rules=[{"path": "/fine"}, rule])
    assert list(caught.value.fields) == [field]


def test_two_routes_for_the_same_requests_are_refused_with_both_names(world):
    with pytest.raises(ApplicationError, match="“rest” and “all requests” hold for the same requests") as caught:
        create(world, "rest", rules=[])
    assert (caught.value.status, list(caught.value.fields)) == (409, ["rules"])


def test_destinations_have_weights_and_paths(world):
    europe = service_create(actor=world.ada, instance=world.instance, name="europe", url="https://eu.example.test")
    route = create(world, ways=[Way(world.instance.services.get(name="default"), 9), Way(europe, 1, "/v2/")])
    assert [(way.service.name, way.weight, way.path) for way in route.destinations.all()] == [
        ("default", 9, ""),
        ("europe", 1, "/v2"),
    ]


def test_destinations_are_replaced_as_a_whole(world):
    route, service = create(world), world.instance.services.get()
    route = route_update(actor=world.ada, route=route, destinations=[Way(service, 1, "/v3")])
    assert [way.path for way in route.destinations.all()] == ["/v3"]
    before, after = AuditEvent.objects.filter(action="route.update").values_list("before", "after").get()
    assert (before["destinations"][0]["path"], after["destinations"][0]["path"]) == ("", "/v3")


@pytest.mark.parametrize(
    ("way", "field"),
    [({"path": "v2"}, "destinations.0.path"), ({"weight": 0}, "destinations.0.weight")],
)
def test_a_wrong_destination_is_named_where_it_is(world, way, field):
    with pytest.raises(ApplicationError) as caught:
        create(world, ways=[Way(world.instance.services.get(), **way)])
    assert list(caught.value.fields) == [field]


def test_a_route_leads_somewhere(world):
    with pytest.raises(ApplicationError, match="to which service"):
        create(world, ways=[])


def test_service_of_another_instance_is_refused(world):
    with pytest.raises(ApplicationError, match="service of this API"):
        create(world, ways=[Way(world.other_instance.services.get())])


def test_a_route_is_put_to_another_place(world, messages):
    create(world, "eu")
    us = create(world, "us")
    route_place(actor=world.ada, route=us, position=0)
    assert names(world) == ["us", "eu", "all requests"]
    assert messages[-1] == "Moved route us of Orders v1"


def test_a_route_is_moved_by_one_place_until_the_end(world):
    create(world, "eu")
    for _ in range(3):
        route_move(actor=world.ada, route=world.instance.routes.get(name="eu"), earlier=False)
    assert names(world) == ["all requests", "eu"]


def test_a_route_is_changed_in_part(world):
    route = route_update(actor=world.ada, route=world.instance.routes.get(), rules=[{"path": "/x"}])
    assert (route.rules, route.name) == ([{"path": "/x"}], "all requests")


def test_last_route_stays(world):
    with pytest.raises(ApplicationError, match="at least one route"):
        route_delete(actor=world.ada, route=world.instance.routes.get())
