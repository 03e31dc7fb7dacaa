"""Staged changes: a candidate beside what all others get, until it is promoted or undone."""

import pytest

from portal.audit.models import AuditEvent
from portal.contracts.models import ClientApplication, Contract, ContractStatus
from portal.core.errors import ApplicationError
from portal.gateways.models import Listener
from portal.gateways.signals import gateway_configuration_changed
from portal.publishing import rollout_services, services
from portal.publishing.models import Hold, HoldReason, Revision, Rollout, RolloutState
from portal.publishing.selectors import changes_of, gateways_to_publish
from tests.portal.base import World
from tests.portal.publishing.fake_redis import FakeRedis
from tests.portal.publishing.staged import move, publish, replica, running

pytestmark = pytest.mark.django_db


def test_saved_change_becomes_a_candidate_and_all_others_go_on(world: World, rollout: Rollout) -> None:
    document = running(world)
    assert document.apis[0].base_path == "/a"
    assert document.candidate is not None
    assert [api.base_path for api in document.candidate.apis] == ["/b"]
    assert (document.candidate.revision, document.candidate.stable, document.candidate.percent) == (2, 1, 10)
    assert (rollout.stable.number, rollout.candidate and rollout.candidate.number) == (1, 2)
    assert rollout.instances == [str(world.instance.pk)]


def test_further_change_is_a_new_candidate_beside_the_same_stable(world: World, rollout: Rollout) -> None:
    move(world, "/c")
    assert publish(world).number == 3
    rollout.refresh_from_db()
    assert (rollout.stable.number, rollout.candidate and rollout.candidate.number) == (1, 3)
    assert rollout.message == "Moved to /b\nMoved to /c"
    candidate = running(world).candidate
    assert candidate is not None
    assert (candidate.revision, candidate.apis[0].base_path) == (3, "/c")


def test_contract_reaches_both_and_keeps_the_candidate_s_number(world: World, rollout: Rollout) -> None:
    application = ClientApplication.objects.create(owner=world.cora, name="App", client_id="app-1")
    Contract.objects.create(application=application, instance=world.instance, status=ContractStatus.ACTIVE)
    gateway_configuration_changed(gateway=world.gateway, actor=world.ada, message="Contract", waits=False)
    assert publish(world).number == 3
    document = running(world)
    assert [contract.api for contract in document.contracts] == [str(world.instance.pk)]
    assert document.candidate is not None
    assert document.candidate.revision == 2
    rollout.refresh_from_db()
    assert rollout.candidate is not None
    assert (rollout.candidate.number, rollout.message) == (2, "Moved to /b")


def test_same_again_makes_no_new_revision(world: World, rollout: Rollout) -> None:
    move(world, "/b")
    assert publish(world).number == 2


def test_api_on_a_new_listener_can_be_tried_out(world: World, rollout: Rollout) -> None:
    world.instance.listener = Listener.objects.create(gateway=world.gateway, name="second", port=8081)
    world.instance.save()
    gateway_configuration_changed(gateway=world.gateway, message="Another port")
    publish(world)
    document = running(world)
    assert sorted(listener.port for listener in document.listeners) == [8080, 8081]
    assert document.candidate is not None
    assert document.candidate.apis[0].listener == str(world.instance.listener_id)


def test_change_that_is_taken_back_ends_the_rollout(world: World, rollout: Rollout) -> None:
    move(world, "/a")
    publish(world)
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.UNDONE
    assert running(world).candidate is None
    assert not Hold.objects.exists()


def test_save_without_a_difference_stages_nothing(world: World, staging: None) -> None:
    move(world, "/a")
    assert publish(world).number == 1
    assert not Rollout.objects.filter(state=RolloutState.OPEN).exists()


def test_promoted_candidate_is_for_all(world: World, rollout: Rollout) -> None:
    revision = rollout_services.rollout_promote(rollout=rollout, actor=world.ada, candidate=2)
    assert (revision.number, revision.message) == (3, "Promoted revision 2\nMoved to /b")
    assert revision.actor_name == "Erik Editor, Ada Owner"
    assert publish(world) == revision
    document = running(world)
    assert (document.apis[0].base_path, document.candidate) == ("/b", None)
    assert AuditEvent.objects.get(action="rollout.promote").after["candidate"] == 2


def test_candidate_that_was_not_seen_is_not_promoted(world: World, rollout: Rollout) -> None:
    move(world, "/c")
    publish(world)
    with pytest.raises(ApplicationError, match="revision 3 by now"):
        rollout_services.rollout_promote(rollout=rollout, actor=world.ada, candidate=2)


def test_candidate_with_a_change_on_its_way_is_not_promoted(world: World, rollout: Rollout) -> None:
    move(world, "/c")
    with pytest.raises(ApplicationError, match="on its way"):
        rollout_services.rollout_promote(rollout=rollout, actor=world.ada, candidate=2)


def test_undone_candidate_is_taken_back_and_the_gateway_is_held(world: World, rollout: Rollout) -> None:
    revision = rollout_services.rollout_undo(rollout=rollout, actor=world.ada)
    assert (revision.number, revision.message) == (3, "Undid staged revision 2")
    assert publish(world) == revision
    document = running(world)
    assert (document.apis[0].base_path, document.candidate) == ("/a", None)
    hold = Hold.objects.get()
    assert (hold.reason, hold.revision.number, hold.waiting_message) == (HoldReason.UNDONE, 1, "Moved to /b")
    assert "Erik Editor" in hold.waiting_actors


def test_what_waits_can_be_staged_again(world: World, rollout: Rollout) -> None:
    rollout_services.rollout_undo(rollout=rollout, actor=world.ada)
    publish(world)
    second = rollout_services.rollout_start(gateway=world.gateway, actor=world.ada, percent=50)
    assert publish(world).number == 4
    second.refresh_from_db()
    assert (second.stable.number, second.candidate and second.candidate.number) == (3, 4)
    candidate = running(world).candidate
    assert candidate is not None
    assert (candidate.percent, candidate.apis[0].base_path) == (50, "/b")
    assert not Hold.objects.exists()


def test_nothing_is_staged_where_nothing_waits(world: World, staging: None) -> None:
    with pytest.raises(ApplicationError, match="Nothing waits"):
        rollout_services.rollout_start(gateway=world.gateway, actor=world.ada)


def test_restore_ends_the_rollout(world: World, rollout: Rollout) -> None:
    move(world, "/c")
    publish(world)
    services.revision_restore(revision=Revision.objects.get(number=2), actor=world.ada)
    publish(world)
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.UNDONE
    assert (running(world).apis[0].base_path, running(world).candidate) == ("/b", None)


def test_first_revision_of_a_gateway_is_published_at_once(world: World, fake_redis: FakeRedis) -> None:
    rollout_services.staging_update(gateway=world.gateway, actor=world.ada, stage_changes=True)
    move(world, "/a")
    publish(world)
    assert running(world).apis[0].base_path == "/a"
    assert not Rollout.objects.exists()


def test_held_gateway_lets_changes_wait_also_where_they_are_staged(world: World, rollout: Rollout) -> None:
    rollout_services.rollout_undo(rollout=rollout, actor=world.ada)
    move(world, "/c")
    publish(world)
    assert not Rollout.objects.filter(state=RolloutState.OPEN).exists()


def test_only_a_connected_replica_can_be_chosen(world: World, rollout: Rollout) -> None:
    with pytest.raises(ApplicationError) as caught:
        rollout_services.rollout_update(rollout=rollout, actor=world.ada, kind="replica", replica_id="r1")
    assert list(caught.value.fields) == ["replica_id"]
    replica(world)
    rollout_services.rollout_update(rollout=rollout, actor=world.ada, kind="replica", replica_id="r1")
    publish(world)
    candidate = running(world).candidate
    assert candidate is not None
    assert (candidate.revision, candidate.replica, candidate.percent) == (2, "r1", 0)


def test_death_after_the_undo_is_made_up_for_by_the_sweep(
    world: World, rollout: Rollout, fake_redis: FakeRedis
) -> None:
    fake_redis.away = True
    rollout_services.rollout_undo(rollout=rollout, actor=world.ada)
    fake_redis.away = False
    assert gateways_to_publish() == [world.gateway.pk]
    publish(world)
    assert gateways_to_publish() == []
    assert running(world).candidate is None


def test_staged_revision_tells_its_change_and_so_does_the_promoted_one(world: World, rollout: Rollout) -> None:
    sentence = "API “Orders v1”: base_path /a → /b"
    assert [change.sentence for change in changes_of(Revision.objects.get(number=2))] == [sentence]
    rollout_services.rollout_promote(rollout=rollout, actor=world.ada)
    assert [change.sentence for change in changes_of(Revision.objects.get(number=3))] == [sentence]


def test_undone_revision_tells_what_it_takes_back(world: World, rollout: Rollout) -> None:
    rollout_services.rollout_undo(rollout=rollout, actor=world.ada)
    sentences = [change.sentence for change in changes_of(Revision.objects.get(number=3))]
    assert sentences == ["API “Orders v1”: base_path /b → /a"]
