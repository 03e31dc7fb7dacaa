"""Applying, changing and removing policies."""

import json
from typing import Any

import pytest

from portal.audit.models import AuditEvent
from portal.core.errors import ApplicationError
from portal.policies import ordering, services
from portal.policies.models import PolicyBinding
from portal.publishing.models import PublishRequest
from tests.portal.base import World

SECRET = "correct-horse-battery"
BASIC = {"username": "warehouse", "password": SECRET}


def apply(world: World, policy: str = "http-basic-authentication", **fields: Any) -> PolicyBinding:
    return services.policy_apply(
        actor=world.ada, instance=world.instance, policy=policy, **{"config": dict(BASIC), **fields}
    )


def limits(world: World) -> PolicyBinding:
    one = {"maximumRequests": 1, "timePeriodInMilliseconds": 1000}
    return apply(world, "rate-limiting", config={"rateLimits": [one]})


def test_applied_policy_is_audited_and_asked_to_be_published(world: World) -> None:
    binding = apply(world)
    assert (binding.order, binding.enabled) == (100, True)
    event = AuditEvent.objects.get()
    assert (event.action, event.environment_id) == ("policy.apply", world.production.pk)
    assert event.after["config"]["username"] == "warehouse"
    request = PublishRequest.objects.get(gateway=world.gateway)
    assert request.message == "Applied Basic authentication to Orders v1"


@pytest.mark.parametrize("config", [{}, None])
def test_a_policy_whose_settings_all_have_defaults_needs_none(world: World, config: dict[str, Any] | None) -> None:
    binding = apply(world, "client-id-enforcement", config=config)
    assert binding.config == {}
    assert services.policy_update(actor=world.ada, binding=binding, config={}, order=7).order == 7


def test_secret_is_encrypted_and_apart(world: World) -> None:
    binding = apply(world)
    binding.refresh_from_db()
    assert binding.config == {"username": "warehouse"}
    assert json.loads(binding.secrets) == {"password": SECRET}
    raw = PolicyBinding.objects.extra(select={"raw": "secrets"}).values_list("raw", flat=True).get()
    assert SECRET not in raw


def test_alias_is_stored_under_the_policy_s_own_name(world: World) -> None:
    assert apply(world, "basic-authentication-flex").policy == "http-basic-authentication"


def test_unknown_policy_is_refused_with_the_nearest_name(world: World) -> None:
    with pytest.raises(ApplicationError) as caught:
        apply(world, "rate-limitng")
    assert "“rate-limiting”" in caught.value.fields["policy"]


def test_wrong_setting_is_named_by_its_path_and_nothing_is_saved(world: World) -> None:
    bad = {"maximumRequests": 0, "timePeriodInMilliseconds": 1000}
    with pytest.raises(ApplicationError) as caught:
        apply(world, "rate-limiting", config={"rateLimits": [bad]})
    assert list(caught.value.fields) == ["config.rateLimits.0.maximumRequests"]
    assert not PolicyBinding.objects.exists()
    assert not PublishRequest.objects.exists()


def test_same_policy_twice_is_refused(world: World) -> None:
    apply(world)
    with pytest.raises(ApplicationError) as caught:
        apply(world)
    assert caught.value.code == "policy_already_applied"


@pytest.mark.parametrize("sent", [{}, {"password": ""}, {"password": "••••••"}])
def test_secret_left_empty_or_masked_is_kept(world: World, sent: dict[str, str]) -> None:
    binding = services.policy_update(actor=world.ada, binding=apply(world), config={"username": "new", **sent})
    assert binding.config == {"username": "new"}
    assert json.loads(binding.secrets) == {"password": SECRET}


def test_new_secret_is_recorded_without_its_value(world: World) -> None:
    services.policy_update(actor=world.ada, binding=apply(world), config={**BASIC, "password": "another-one"})
    event = AuditEvent.objects.get(action="policy.update")
    assert event.before["config"] != event.after["config"]
    for text in (SECRET, "another-one"):
        assert text not in json.dumps([event.before, event.after, event.message], ensure_ascii=False)


def test_update_without_a_change_records_and_publishes_nothing(world: World) -> None:
    binding = apply(world)
    services.policy_update(actor=world.ada, binding=binding, config={"username": "warehouse"})
    assert AuditEvent.objects.count() == 1
    assert PublishRequest.objects.get().requested == 1


def test_switching_off_and_on_is_recorded_each_time(world: World) -> None:
    binding = services.policy_disable(actor=world.ada, binding=apply(world))
    assert not binding.enabled
    assert services.policy_enable(actor=world.ada, binding=binding).enabled
    services.policy_enable(actor=world.ada, binding=binding)
    actions = list(AuditEvent.objects.order_by("created_at").values_list("action", flat=True))
    assert actions == ["policy.apply", "policy.disable", "policy.enable"]
    assert PublishRequest.objects.get().requested == 3


def test_removed_policy_leaves_its_settings_in_the_audit_trail_without_secrets(world: World) -> None:
    services.policy_remove(actor=world.ada, binding=apply(world))
    assert not PolicyBinding.objects.exists()
    event = AuditEvent.objects.get(action="policy.remove")
    assert event.before["config"] == {"username": "warehouse", "password": "••••••"}


def test_moving_changes_places(world: World) -> None:
    first, second = apply(world), limits(world)
    ordering.policy_move(actor=world.ada, binding=second, earlier=True)
    assert [b.pk for b in world.instance.policies.all()] == [second.pk, first.pk]


def test_moving_works_between_equal_orders(world: World) -> None:
    first, second = apply(world, order=5), limits(world)
    second.order = 5
    second.save()
    ordering.policy_move(actor=world.ada, binding=second, earlier=True)
    assert [b.pk for b in world.instance.policies.all()] == [second.pk, first.pk]


def test_moving_beyond_the_end_changes_nothing(world: World) -> None:
    binding = apply(world)
    ordering.policy_move(actor=world.ada, binding=binding, earlier=True)
    assert AuditEvent.objects.count() == 1
