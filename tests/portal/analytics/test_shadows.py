"""What policies in shadow mode would have refused: figures, the card, REST."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from portal.analytics.ranges import quick_range
from portal.analytics.selectors import Traffic, environment_traffic
from portal.analytics.shadows import ShadowVerdict
from portal.core.links import console_url
from portal.policies import services
from tests.portal.base import World, client_of
from tests.portal.traces.base import stored, told
from tests.portal.traffic import traffic_store

LIMIT = {"rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 1000}]}


def add(world: World, shadowed: int, *, application: str = "", policy: str = "rate-limiting", hours: int = 1) -> None:
    minute = timezone.now() - datetime.timedelta(hours=hours)
    traffic_store(
        world.instance, minute=minute.replace(second=0, microsecond=0), application=application, status=429,
        policy=policy, code="used_up", shadowed=shadowed,
    )  # fmt: skip


def day(world: World) -> Traffic:
    return environment_traffic(user=world.ben, environment=world.production, time_range=quick_range("24h"))


def test_calls_and_applications_are_counted_by_reason_and_together(world: World) -> None:
    add(world, 300, application="a")
    add(world, 10, application="b")
    add(world, 2)
    add(world, 5, application="a", policy="spike-control")
    add(world, 99, hours=25)
    found = day(world).shadow
    assert (found.calls, found.applications) == (317, 2)
    assert found.verdicts == [
        ShadowVerdict("rate-limiting", "used_up", 429, 312, 2),
        ShadowVerdict("spike-control", "used_up", 429, 5, 1),
    ]


def test_nothing_counted_is_nothing(world: World) -> None:
    assert (day(world).shadow.calls, day(world).shadow.verdicts) == (0, [])


def test_what_would_have_been_refused_is_in_no_other_figure(world: World) -> None:
    add(world, 7)
    traffic = day(world)
    assert (traffic.requests, traffic.refusals, traffic.statuses) == (0, [], [])


@pytest.mark.parametrize("page", ["apis:detail", "policies:list"])
def test_the_card_says_what_would_have_been_refused(world: World, page: str) -> None:
    address = console_url(world.production, page, world.instance.pk)
    assert "shadow-verdicts" not in client_of(world.ben).get(address).content.decode()
    add(world, 300, application="a")
    add(world, 12, application="b")
    shown = client_of(world.ben).get(address).content.decode()
    assert "<strong>312 calls</strong> of 2 applications in the last 24 hours" in shown
    assert "used_up" in shown


def test_the_card_leads_to_traces_of_such_calls_where_there_are_any(world: World) -> None:
    add(world, 300, application="a")
    page = console_url(world.production, "apis:detail", world.instance.pk)
    traces = console_url(world.production, "traces:instance", world.instance.pk) + "?shadow=any"
    assert traces not in client_of(world.ben).get(page).content.decode()
    stored(world.gateway, told(world.instance))
    assert traces in client_of(world.ben).get(page).content.decode()
    assert "/orders/items" in client_of(world.ben).get(traces).content.decode()


def test_the_card_is_there_as_soon_as_a_policy_is_tried_out(world: World) -> None:
    services.policy_apply(actor=world.ada, instance=world.instance, policy="rate-limiting", config=LIMIT, mode="shadow")
    shown = client_of(world.ada).get(console_url(world.production, "apis:detail", world.instance.pk))
    assert "Would have refused no call" in shown.content.decode()


def test_the_interface_has_the_same_figures(world: World) -> None:
    add(world, 300, application="a")
    answer = client_of(world.ben).get("/api/v1/traffic/", {"instance": str(world.instance.pk), "range": "24h"}).json()
    assert answer["shadow"] == {
        "calls": 300,
        "applications": 1,
        "verdicts": [{"policy": "rate-limiting", "code": "used_up", "status": 429, "calls": 300, "applications": 1}],
    }


def test_the_card_costs_the_same_whatever_there_is(world: World, django_assert_num_queries: Any) -> None:
    from portal.analytics.panels import _shadows

    class Request:
        user = world.ben

    for number in range(5):
        add(world, 1, application=str(number), policy=f"p{number}")
    with django_assert_num_queries(5):  # the role, the day, automated and own policies, traces
        _shadows(Request(), world.instance)  # type: ignore[arg-type]
