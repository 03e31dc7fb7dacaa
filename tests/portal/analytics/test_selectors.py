"""Figures of a time range."""

import datetime

import pytest
from django.utils import timezone

from gateway_runtime.schema import envelope, histogram
from portal.analytics.models import ReplicaTally
from portal.analytics.ranges import DEFAULT_RANGE, QUICK_RANGES, quick_range
from portal.analytics.selectors import Traffic, environment_traffic, traffic_accounting
from portal.gateways.models import Gateway, Replica
from portal.organizations.models import Environment, Organization
from tests.portal.base import World
from tests.portal.traffic import traffic_store

pytestmark = pytest.mark.django_db

NOW = datetime.datetime(2026, 3, 4, 10, 37, 25, tzinfo=datetime.UTC)


def add(
    world: World, minutes_ago: int, *, status: int = 200, requests: int = 1, milliseconds: int = 10, policy: str = ""
) -> None:
    traffic_store(
        world.instance, minute=NOW.replace(second=0) - datetime.timedelta(minutes=minutes_ago), status=status,
        requests=requests, policy=policy, code="refused" if policy else "",
        latency={str(histogram.bucket(milliseconds * 1000)): requests},
    )  # fmt: skip


def hour(world: World) -> Traffic:
    return environment_traffic(user=world.ben, environment=world.production, time_range=quick_range("1h", NOW))


@pytest.mark.parametrize("key", QUICK_RANGES)
def test_points_cover_the_range_without_gap_and_include_now(key: str) -> None:
    time_range = quick_range(key, NOW)
    points = time_range.points()
    assert points[0] == time_range.start
    assert points[-1] <= NOW < points[-1] + time_range.step
    assert points[-1] + time_range.step == time_range.end


def test_an_unknown_range_is_the_default_one() -> None:
    assert quick_range("'; drop table").key == DEFAULT_RANGE


def test_requests_are_drawn_by_minute_and_class(world: World) -> None:
    add(world, 0, requests=3)
    add(world, 1, status=404)
    add(world, 61, requests=100)  # outside the hour
    traffic = hour(world)
    assert traffic.requests == 4
    assert traffic.points[-1].classes == {"2xx": 3}
    assert traffic.points[-2].classes == {"4xx": 1}


def test_percentiles_come_from_summed_histograms_not_from_averages(world: World) -> None:
    add(world, 0, requests=99, milliseconds=10)
    add(world, 5, requests=1, milliseconds=1000)
    traffic = hour(world)
    assert traffic.p50 == pytest.approx(10, rel=0.07)
    assert traffic.p95 == pytest.approx(10, rel=0.07)
    assert traffic.points[-6].p99 == pytest.approx(1000, rel=0.07)


def test_refusals_are_named_by_policy_and_counted_once(world: World) -> None:
    add(world, 0, status=401, policy="http-basic-authentication", requests=2)
    add(world, 3, status=401, policy="http-basic-authentication")
    add(world, 3, status=401)  # the upstream's own 401
    traffic = hour(world)
    assert [(r.policy, r.status, r.requests) for r in traffic.refusals] == [("http-basic-authentication", 401, 3)]
    assert traffic.refused == 3


def test_no_traffic_gives_no_percentiles(world: World) -> None:
    traffic = hour(world)
    assert (traffic.requests, traffic.p50, traffic.p99) == (0, None, None)


class TestAccounting:
    """served = stored + waiting + lost."""

    @pytest.fixture
    def gateway(self) -> Gateway:
        organization = Organization.objects.create(name="Harbour", slug="harbour")
        environment = Environment.objects.create(organization=organization, name="Sandbox", slug="sandbox")
        signing, keys = envelope.new_keys()
        return Gateway.objects.create(
            environment=environment, name="demo", slug="demo", signing_key=signing,
            verify_key=keys.verify, encrypt_key=keys.encrypt,
        )  # fmt: skip

    def test_what_a_running_replica_has_not_sent_is_waiting(self, gateway: Gateway) -> None:
        started = timezone.now()
        Replica.objects.create(
            gateway=gateway, replica_id="a", host="h", pid=1, version="1", workers=1, started_at=started,
            seen_at=started, state="applied", served=12,
        )  # fmt: skip
        ReplicaTally.objects.create(
            gateway_id=gateway.pk, replica_id="a", started_at=started.timestamp(), served=10, dropped=1, stored=8
        )
        found = traffic_accounting(gateways=Gateway.objects.filter(pk=gateway.pk))
        assert (found.served, found.stored, found.waiting, found.lost) == (12, 8, 3, 1)

    def test_what_an_ended_run_never_sent_is_lost(self, gateway: Gateway) -> None:
        ReplicaTally.objects.create(
            gateway_id=gateway.pk, replica_id="a", started_at=1.0, served=10, dropped=0, stored=8
        )
        found = traffic_accounting(gateways=Gateway.objects.filter(pk=gateway.pk))
        assert (found.served, found.stored, found.waiting, found.lost) == (10, 8, 0, 2)
