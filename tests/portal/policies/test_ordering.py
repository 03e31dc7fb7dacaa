"""The order of an instance's policies: documented, CORS first, changed by buttons and by dragging."""

from typing import Any

import pytest

from gateway_runtime.policies.registry import all_definitions
from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.policies import ordering, services
from portal.policies.models import PolicyBinding
from portal.publishing.builder import build
from tests.portal.base import World, client_of


def apply(world: World, policy: str, **fields: Any) -> PolicyBinding:
    known = {each.name: each for each in all_definitions()}
    return services.policy_apply(
        actor=world.ada, instance=world.instance, policy=policy, config=known[policy].example, **fields
    )


def names(world: World) -> list[str]:
    return [binding.policy for binding in ordering.in_order(world.instance.policies.all())]


@pytest.fixture
def three(world: World) -> dict[str, PolicyBinding]:
    return {name: apply(world, name) for name in ("rate-limiting", "ip-blocklist", "client-id-enforcement")}


def test_every_policy_is_applied_at_its_documented_place(world: World) -> None:
    for policy in reversed(all_definitions()):
        apply(world, policy.name)
    assert names(world) == [policy.name for policy in all_definitions()]


def test_cors_is_first_whatever_its_number(world: World, three: Any) -> None:
    apply(world, "cors", order=999)
    assert names(world)[0] == "cors"


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (0, ["rate-limiting", "ip-blocklist", "client-id-enforcement"]),
        (1, ["ip-blocklist", "rate-limiting", "client-id-enforcement"]),
        (99, ["ip-blocklist", "client-id-enforcement", "rate-limiting"]),
    ],
)
def test_a_policy_is_put_at_a_place(world: World, three: Any, position: int, expected: list[str]) -> None:
    ordering.policy_place(actor=world.ada, binding=three["rate-limiting"], position=position)
    assert names(world) == expected
    orders = {each.policy: each.order for each in build(world.gateway).document.apis[0].policies}
    assert sorted(orders, key=orders.__getitem__) == expected


def test_nothing_comes_before_cors_and_cors_stays(world: World, three: Any) -> None:
    cors = apply(world, "cors")
    ordering.policy_place(actor=world.ada, binding=three["rate-limiting"], position=0)
    assert names(world)[:2] == ["cors", "rate-limiting"]
    ordering.policy_move(actor=world.ada, binding=three["rate-limiting"], earlier=True)
    ordering.policy_move(actor=world.ada, binding=cors, earlier=False)
    assert names(world)[:2] == ["cors", "rate-limiting"]
    with pytest.raises(ApplicationError) as caught:
        ordering.policy_place(actor=world.ada, binding=cors, position=2)
    assert caught.value.code == "policy_always_first"


def test_a_place_that_is_the_same_records_and_publishes_nothing(world: World, three: Any) -> None:
    before = AuditEvent.objects.count()
    ordering.policy_place(actor=world.ada, binding=three["ip-blocklist"], position=0)
    assert AuditEvent.objects.count() == before


def test_a_drop_is_posted_and_answers_with_the_new_list_and_what_to_say(world: World, three: Any) -> None:
    address = console_url(world.production, "policies:place", world.instance.pk, three["rate-limiting"].pk)
    assert client_of(world.ben).post(address, {"position": "0"}).status_code == 403
    response = client_of(world.ada).post(address, {"position": "0"}, headers={"HX-Request": "true"})
    assert "Rate limiting is number 1 of 3." in response.content.decode()
    assert names(world)[0] == "rate-limiting"


def test_a_button_at_the_end_is_not_disabled_so_that_it_keeps_the_focus(world: World, three: Any) -> None:
    page = client_of(world.ada).get(console_url(world.production, "policies:list", world.instance.pk))
    text = page.content.decode()
    assert text.count('aria-disabled="true"') == 2
    assert " disabled" not in text.partition('id="applied-policies"')[2].partition("</section>")[0]
