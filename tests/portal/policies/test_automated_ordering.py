"""The order of an environment's automated policies: CORS first, changed by buttons and by dragging."""

from typing import Any

import pytest

from gateway_runtime.policies.registry import definition
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.policies import automated_services
from portal.policies.models import AutomatedPolicy
from portal.policies.ordering import in_order
from portal.publishing.builder import build
from tests.portal.base import World, client_of


def automate(world: World, policy: str) -> AutomatedPolicy:
    return automated_services.automated_policy_apply(
        actor=world.ada, environment=world.production, policy=policy, config=definition(policy).example
    )


def names(world: World) -> list[str]:
    return [each.policy for each in in_order(world.production.automated_policies.all())]


@pytest.fixture
def three(world: World) -> dict[str, AutomatedPolicy]:
    return {name: automate(world, name) for name in ("ip-blocklist", "client-id-enforcement", "rate-limiting")}


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (0, ["rate-limiting", "ip-blocklist", "client-id-enforcement"]),
        (1, ["ip-blocklist", "rate-limiting", "client-id-enforcement"]),
        (99, ["ip-blocklist", "client-id-enforcement", "rate-limiting"]),
    ],
)
def test_one_is_put_at_a_place_and_acts_there(world: World, three: Any, position: int, expected: list[str]) -> None:
    automated_services.automated_policy_place(actor=world.ada, automated=three["rate-limiting"], position=position)
    assert names(world) == expected
    orders = {each.policy: each.order for each in build(world.gateway).document.apis[0].policies}
    assert sorted(orders, key=orders.__getitem__) == expected


def test_one_moves_step_by_step_and_stops_at_the_end(world: World, three: Any) -> None:
    for expected in (1, 0, 0):
        automated_services.automated_policy_move(actor=world.ada, automated=three["rate-limiting"], earlier=True)
        assert names(world).index("rate-limiting") == expected


def test_nothing_comes_before_cors_and_cors_stays(world: World, three: Any) -> None:
    cors = automate(world, "cors")
    automated_services.automated_policy_place(actor=world.ada, automated=three["rate-limiting"], position=0)
    assert names(world)[:2] == ["cors", "rate-limiting"]
    with pytest.raises(ApplicationError) as caught:
        automated_services.automated_policy_place(actor=world.ada, automated=cors, position=2)
    assert caught.value.code == "policy_always_first"


def test_a_move_is_recorded_once_with_both_numbers(world: World, three: Any) -> None:
    was = three["rate-limiting"].order
    automated_services.automated_policy_place(actor=world.ada, automated=three["rate-limiting"], position=0)
    automated_services.automated_policy_place(actor=world.ada, automated=three["rate-limiting"], position=0)
    event = AuditEvent.objects.get(action="automated_policy.move")
    assert (event.before["order"], event.after["order"]) == (was, three["rate-limiting"].order)


def test_a_drop_is_posted_and_answers_with_the_new_list_and_what_to_say(world: World, three: Any) -> None:
    address = console_url(world.production, "automated_policies:place", three["rate-limiting"].pk)
    assert client_of(world.ben).post(address, {"position": "0"}).status_code == 403
    response = client_of(world.ada).post(address, {"position": "0"}, headers={"HX-Request": "true"})
    assert "Rate limiting is number 1 of 3." in response.text
    assert names(world)[0] == "rate-limiting"


@pytest.mark.parametrize(("name", "place"), [("earlier", 1), ("later", 2)])
def test_the_buttons_work_without_script(world: World, three: Any, name: str, place: int) -> None:
    address = console_url(world.production, f"automated_policies:{name}", three["rate-limiting"].pk)
    response = client_of(world.ada).post(address)
    assert response.status_code == 302
    assert response.url == console_url(world.production, "automated_policies:list")
    assert names(world).index("rate-limiting") == place


def test_who_only_views_sees_the_order_and_no_buttons(world: World, three: Any) -> None:
    address = console_url(world.production, "automated_policies:list")
    assert "Move Rate limiting up" in client_of(world.ada).get(address).text
    assert "Move Rate limiting up" not in client_of(world.ben).get(address).text
