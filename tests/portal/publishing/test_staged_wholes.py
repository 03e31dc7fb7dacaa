"""Staged listeners and settings of a gateway: for one replica whole, never for a share of the requests."""

from typing import Any

import pytest

from gateway_runtime.schema import document as schema
from portal.gateways.listener_services import listener_create, listener_update
from portal.gateways.settings import PARTS
from portal.gateways.settings_services import gateway_settings_update
from portal.publishing import rollout_services, services
from portal.publishing.models import Hold, Revision, Rollout, RolloutState
from portal.publishing.selectors import changes_of
from portal.publishing.staging import effective, settings_of
from portal.publishing.waiting import waiting_of
from tests.portal.base import World, client_of
from tests.portal.publishing.fake_redis import FakeRedis
from tests.portal.publishing.staged import move, publish, replica, running

pytestmark = pytest.mark.django_db
WAITS = "Listeners and settings of the gateway hold for whole replicas"


def limit(world: World, header_bytes: int) -> None:
    settings = {"limits": {"headerBytes": header_bytes}}
    gateway_settings_update(actor=world.ada, gateway=world.gateway, settings=settings)


def tried(world: World) -> schema.Surroundings:
    """Return the listeners and settings of the candidate."""
    candidate = running(world).candidate
    assert candidate is not None
    assert candidate.surroundings is not None
    return candidate.surroundings


@pytest.fixture
def for_one_replica(world: World, staging: None) -> None:
    replica(world)
    rollout_services.staging_update(gateway=world.gateway, actor=world.ada, kind="replica", replica_id="r1")


def test_all_that_people_set_can_be_staged() -> None:
    assert {"listeners", *PARTS} <= {*schema.WIDE_PARTS}


def test_setting_goes_to_one_replica_first(world: World, for_one_replica: None) -> None:
    limit(world, 20_000)
    publish(world)
    assert running(world).limits == schema.Limits()
    assert tried(world).limits.header_bytes == 20_000
    assert effective(running(world)).limits.header_bytes == 20_000
    # All requests of that replica are the candidate's.
    assert Rollout.objects.get().instances == [str(world.instance.pk)]


def test_listener_moves_on_one_replica_first(world: World, for_one_replica: None) -> None:
    listener_update(actor=world.ada, listener=world.listener, port=8181)
    publish(world)
    assert [each.port for each in running(world).listeners] == [8080]
    assert [each.port for each in tried(world).listeners] == [8181]


def test_new_listener_is_opened_on_the_one_replica_only(world: World, for_one_replica: None) -> None:
    listener_create(actor=world.ada, gateway=world.gateway, port=8181)
    publish(world)
    assert [each.port for each in running(world).listeners] == [8080]
    assert sorted(each.port for each in tried(world).listeners) == [8080, 8181]


def test_share_of_the_requests_lets_it_wait(world: World, staging: None) -> None:
    listener_create(actor=world.ada, gateway=world.gateway, port=8081)
    limit(world, 20_000)
    publish(world)
    assert ([each.port for each in running(world).listeners], running(world).limits) == ([8080], schema.Limits())
    assert Rollout.objects.get().instances == []
    page = client_of(world.ada).get(world.gateway.get_absolute_url()).content.decode()
    assert f"{WAITS}: they wait until this is promoted, and nothing else is in it." in page


def test_page_says_what_of_a_candidate_waits(world: World, staging: None) -> None:
    move(world, "/b")
    publish(world)
    address = world.gateway.get_absolute_url()
    assert WAITS not in client_of(world.ada).get(address).content.decode()
    limit(world, 20_000)
    publish(world)
    assert f"{WAITS}: they wait until this is promoted." in client_of(world.ada).get(address).content.decode()


def test_whoever_saves_is_told_what_waits(world: World, staging: None) -> None:
    address = f"/api/v1/gateways/{world.gateway.pk}/settings/"
    body = {"limits": {"headerBytes": 20_000}}
    answer = client_of(world.ada).patch(address, body, content_type="application/json")
    assert answer["Portico-Remark"] == f"change-staged gateway={world.gateway.pk}"
    assert Rollout.objects.get().state == RolloutState.OPEN


def test_promoted_settings_and_listeners_are_for_all(world: World, for_one_replica: None) -> None:
    limit(world, 20_000)
    listener_update(actor=world.ada, listener=world.listener, port=8181)
    publish(world)
    rollout_services.rollout_promote(rollout=Rollout.objects.get(), actor=world.ada)
    document = running(world)
    assert (document.candidate, document.limits.header_bytes) == (None, 20_000)
    assert [each.port for each in document.listeners] == [8181]
    told = [change.sentence for change in changes_of(Revision.objects.get(number=3))]
    assert any("limits.header_bytes" in sentence for sentence in told)


def test_undone_setting_stays_undone_while_the_gateway_is_held(world: World, for_one_replica: None) -> None:
    limit(world, 20_000)
    publish(world)
    rollout_services.rollout_undo(rollout=Rollout.objects.get(), actor=world.ada)
    publish(world)
    limit(world, 30_000)
    publish(world)
    assert running(world).limits == schema.Limits()
    waiting = waiting_of(Hold.objects.get(), world.ada)
    assert ["limits.header_bytes" in change.sentence for change in waiting.changes] == [True]
    told = [change.sentence for change in changes_of(Revision.objects.get(number=3))]
    assert ["limits.header_bytes 20000 →" in sentence for sentence in told] == [True]


def test_further_change_of_an_api_keeps_the_settings_in_the_candidate(world: World, for_one_replica: None) -> None:
    limit(world, 20_000)
    publish(world)
    move(world, "/c")
    publish(world)
    assert tried(world).limits.header_bytes == 20_000
    assert effective(running(world)).apis[0].base_path == "/c"


def test_restore_brings_settings_back(world: World, fake_redis: FakeRedis) -> None:
    move(world, "/a")
    first = publish(world)
    limit(world, 20_000)
    publish(world)
    services.revision_restore(revision=first, actor=world.ada)
    publish(world)
    assert running(world).limits == schema.Limits()


def log_to(endpoint: str, password: str) -> dict[str, Any]:
    return {"tracing": {"receiver": {"endpoint": endpoint, "headers": {"authorization": password}}}}


@pytest.mark.parametrize(
    ("endpoint", "kept"), [("http://a.example/v1/traces", "new"), ("http://b.example/v1/traces", "old")]
)
def test_restore_keeps_a_secret_that_alone_was_changed(
    world: World, fake_redis: FakeRedis, endpoint: str, kept: str
) -> None:
    before = log_to("http://a.example/v1/traces", "old")
    gateway_settings_update(actor=world.ada, gateway=world.gateway, settings=before)
    first = publish(world)
    gateway_settings_update(actor=world.ada, gateway=world.gateway, settings=log_to(endpoint, "new"))
    limit(world, 20_000)
    publish(world)
    services.revision_restore(revision=first, actor=world.ada)
    publish(world)
    tracing = settings_of(running(world))["tracing"]
    assert tracing.receiver.headers == {"authorization": kept}
