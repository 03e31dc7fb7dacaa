"""Requests, revisions and their way to Redis, with every place where a process may die."""

from typing import Any

import msgspec
import pytest
import redis

from gateway_runtime.schema import document as schema
from gateway_runtime.schema import envelope, keys
from portal.audit.models import AuditEvent
from portal.contracts.models import ClientApplication, Contract, ContractStatus, SlaTier
from portal.core.errors import ApplicationError
from portal.gateways.signals import gateway_configuration_changed
from portal.publishing import services, store, tasks
from portal.publishing.errors import PublishError
from portal.publishing.models import PublishRequest, Revision
from portal.publishing.sealing import revision_document
from portal.publishing.selectors import gateways_to_publish
from tests.portal.base import World
from tests.portal.publishing.fake_redis import FakeRedis

pytestmark = pytest.mark.django_db


def ask(world: World, message: str = "Changed something", actor: Any = None) -> None:
    gateway_configuration_changed(gateway=world.gateway, actor=actor or world.ada, message=message)


def change(world: World, base_path: str) -> None:
    world.instance.base_path = base_path
    world.instance.save()
    ask(world, f"Moved to {base_path}")


def publish(world: World) -> Revision:
    revision = services.gateway_publish(gateway_id=world.gateway.pk)
    assert revision is not None
    return revision


def pointer(world: World, server: FakeRedis) -> int:
    return int(server.strings.get(keys.pointer(str(world.gateway.pk)), 0))


def test_changes_of_one_run_are_joined_with_their_people(world: World) -> None:
    ask(world, "First")
    ask(world, "Second", world.erik)
    ask(world, "First")
    request = PublishRequest.objects.get(gateway=world.gateway)
    assert request.requested == 3
    assert request.message == "First\nSecond"
    assert request.actor_name == "Ada Owner, Erik Editor"


def test_first_of_several_changes_says_since_when_it_waits(world: World) -> None:
    ask(world)
    first = PublishRequest.objects.get(gateway=world.gateway).requested_at
    ask(world)
    assert PublishRequest.objects.get(gateway=world.gateway).requested_at == first


def test_change_starts_the_task_on_commit(
    world: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(tasks.publish, "apply_async", lambda args, **_: sent.append(args))
    with django_capture_on_commit_callbacks(execute=True):
        ask(world)
        assert sent == []
    assert sent == [[str(world.gateway.pk)]]


def test_change_survives_a_broker_that_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def away(**_: Any) -> None:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(tasks.publish, "apply_async", away)
    with django_capture_on_commit_callbacks(execute=True):
        ask(world)
    assert PublishRequest.objects.get(gateway=world.gateway).requested == 1


def test_publish_writes_blob_pointer_and_announcement(world: World, fake_redis: FakeRedis) -> None:
    ask(world)
    revision = publish(world)
    gateway = str(world.gateway.pk)
    assert revision.number == 1
    assert pointer(world, fake_redis) == 1
    assert fake_redis.announced == [(keys.announcements(gateway), "1")]
    gateway_keys = envelope.GatewayKeys(verify=world.gateway.verify_key, encrypt=world.gateway.encrypt_key)
    opened, data = envelope.unseal(fake_redis.strings[keys.revision(gateway, 1)], gateway=gateway, keys=gateway_keys)
    assert opened.revision == 1
    assert schema.digest(data) == revision.digest
    assert schema.decode(data).apis[0].base_path == "/orders"
    request = PublishRequest.objects.get(gateway=world.gateway)
    assert (request.published, request.message, request.requested_at) == (1, "", None)
    assert revision.message == "Changed something"
    assert Revision.objects.get().published_at is not None


def test_same_configuration_uses_no_new_number(world: World, fake_redis: FakeRedis) -> None:
    ask(world)
    publish(world)
    ask(world)
    assert publish(world).number == 1
    request = PublishRequest.objects.get(gateway=world.gateway)
    assert request.published == request.requested == 2
    assert len(fake_redis.announced) == 1


def test_each_change_gets_the_next_number(world: World, fake_redis: FakeRedis) -> None:
    change(world, "/a")
    publish(world)
    change(world, "/b")
    assert publish(world).number == 2
    assert pointer(world, fake_redis) == 2


def test_redis_away_after_the_row_is_made_up_for_with_the_same_revision(world: World, fake_redis: FakeRedis) -> None:
    ask(world)
    fake_redis.away = True
    with pytest.raises(redis.ConnectionError):
        publish(world)
    row = Revision.objects.get()
    assert row.published_at is None
    fake_redis.away = False
    assert gateways_to_publish() == [world.gateway.pk]
    assert publish(world).pk == row.pk
    assert pointer(world, fake_redis) == 1
    assert gateways_to_publish() == []


def test_death_between_redis_and_the_tally_changes_nothing(world: World, fake_redis: FakeRedis) -> None:
    ask(world)
    publish(world)
    PublishRequest.objects.update(published=0)
    Revision.objects.update(published_at=None)
    assert gateways_to_publish() == [world.gateway.pk]
    assert publish(world).number == 1
    assert len(fake_redis.announced) == 1
    assert gateways_to_publish() == []


def test_empty_redis_is_filled_again(world: World, fake_redis: FakeRedis) -> None:
    change(world, "/a")
    publish(world)
    change(world, "/b")
    publish(world)
    fake_redis.strings.clear()
    assert gateways_to_publish() == [world.gateway.pk]
    publish(world)
    assert pointer(world, fake_redis) == 2
    change(world, "/c")
    assert publish(world).number == 3


def test_lost_blob_is_written_again(world: World, fake_redis: FakeRedis) -> None:
    ask(world)
    publish(world)
    del fake_redis.strings[keys.revision(str(world.gateway.pk), 1)]
    assert gateways_to_publish() == [world.gateway.pk]
    publish(world)
    assert gateways_to_publish() == []


def test_number_is_higher_than_any_that_redis_knows(world: World, fake_redis: FakeRedis) -> None:
    fake_redis.set(keys.pointer(str(world.gateway.pk)), 41)
    ask(world)
    assert publish(world).number == 42


def test_slower_publisher_never_turns_the_pointer_back(world: World, fake_redis: FakeRedis) -> None:
    change(world, "/a")
    first = publish(world)
    fake_redis.strings.clear()
    fake_redis.meanwhile = lambda: fake_redis.set(keys.pointer(str(world.gateway.pk)), 2)
    assert store.revision_write(fake_redis, first) is False  # type: ignore[arg-type]
    assert pointer(world, fake_redis) == 2


def test_only_the_last_twenty_stay_in_redis(world: World, fake_redis: FakeRedis) -> None:
    for number in range(25):
        change(world, f"/a{number}")
        publish(world)
    blobs = [name for name in fake_redis.strings if ":revision:" in name]
    assert len(blobs) == store.KEPT_REVISIONS
    assert keys.revision(str(world.gateway.pk), 25) in blobs
    assert Revision.objects.count() == 25


def test_unusable_key_is_permanent_and_kept_for_the_page(world: World, fake_redis: FakeRedis) -> None:
    world.gateway.signing_key = "not a key"
    world.gateway.save()
    ask(world)
    with pytest.raises(PublishError) as caught:
        tasks.publish(str(world.gateway.pk))
    assert caught.value.permanent
    assert "keys of gateway" in PublishRequest.objects.get(gateway=world.gateway).error


def test_restore_is_a_new_number_with_the_old_apis(world: World, fake_redis: FakeRedis) -> None:
    change(world, "/a")
    first = publish(world)
    change(world, "/b")
    publish(world)
    restored = services.revision_restore(revision=first, actor=world.ada)
    assert restored.number == 3
    assert restored.message == "Restored revision 1"
    publish(world)
    assert pointer(world, fake_redis) == 3
    assert revision_document(restored).apis[0].base_path == "/a"
    assert AuditEvent.objects.get(action="revision.restore").after == {"revision": 3, "restored": 1}


def test_restore_does_not_bring_back_a_revoked_contract(world: World, fake_redis: FakeRedis) -> None:
    application = ClientApplication.objects.create(owner=world.cora, name="App", client_id="app-1")
    contract = Contract.objects.create(application=application, instance=world.instance, status=ContractStatus.ACTIVE)
    change(world, "/a")
    first = publish(world)
    contract.status = ContractStatus.REVOKED
    contract.save()
    change(world, "/b")
    publish(world)
    assert revision_document(first).contracts
    assert not revision_document(services.revision_restore(revision=first, actor=world.ada)).contracts


def test_restore_brings_nothing_back_that_is_not_of_the_apis(
    world: World, fake_redis: FakeRedis, settings: Any
) -> None:
    environment = world.gateway.environment
    environment.allow_private_targets = True
    environment.save()
    application = ClientApplication.objects.create(owner=world.cora, name="App", client_id="app-1")
    contract = Contract.objects.create(application=application, instance=world.instance, status=ContractStatus.ACTIVE)
    change(world, "/a")
    first = publish(world)
    # A tier that the older revision does not know, or its limits of then, would leave the contract without its limits.
    limit = {"maximumRequests": 5, "timePeriodInMilliseconds": 60_000}
    contract.tier = SlaTier.objects.create(instance=world.instance, name="Gold", limits=[limit])
    contract.save()
    environment.allow_private_targets = False
    environment.save()
    settings.PORTAL_URL = "https://moved.example"
    change(world, "/b")
    second = revision_document(publish(world))
    restored = revision_document(services.revision_restore(revision=first, actor=world.ada))
    assert restored.apis == revision_document(first).apis
    assert [tier.name for tier in restored.tiers] == ["Gold"]
    assert restored == msgspec.structs.replace(second, apis=restored.apis)


def test_restoring_what_runs_is_refused(world: World, fake_redis: FakeRedis) -> None:
    ask(world)
    with pytest.raises(ApplicationError) as caught:
        services.revision_restore(revision=publish(world), actor=world.ada)
    assert caught.value.code == "revision_already_running"
