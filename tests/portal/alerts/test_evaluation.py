"""When an alert begins, goes on and is over, and who is told."""

import datetime
from typing import Any
from unittest import mock

import pytest

from portal.alerts import evaluation
from portal.alerts.evaluation import alert_judge, alerts_evaluate
from portal.alerts.findings import Finding
from portal.alerts.models import AlertEpisode, AlertKind, AlertNotice, AlertRule
from portal.alerts.services import alert_disable, alert_enable, alert_silence, alert_update
from portal.audit.models import AuditEvent
from portal.contracts.models import ClientApplication, Contract
from portal.gateways.models import Certificate, Replica
from tests.portal.alerts.factories import NOON, after, judge, make_alert, make_webhook, requests
from tests.portal.base import World, make_instance
from tests.portal.contracts.factories import make_application

pytestmark = pytest.mark.django_db


def test_it_is_told_when_it_begins_and_when_it_is_over(world: World) -> None:
    make_alert(world)
    assert judge() == []
    requests(world, 11, at=after(0.2))
    assert judge(0.2) == ["Too much (warning)"]
    assert judge(3) == []
    assert judge(7) == ["Over: Too much"]
    assert judge(8) == []
    (episode,) = AlertEpisode.objects.all()
    assert (episode.started_at, episode.ended_at) == (after(0.2), after(7))
    assert episode.detail == "11 requests in 5 minutes."


def test_the_turn_of_a_minute_does_not_end_it(world: World) -> None:
    make_alert(world, window_minutes=1)
    for minute in range(4):
        requests(world, 30, at=after(minute))
    told = [judge(tick / 6) for tick in range(24)]
    assert [titles for titles in told if titles] == [["Too much (warning)"]]


def test_it_is_about_its_apis_alone(world: World) -> None:
    other = make_instance(world.gateway, world.api_version, base_path="/other")
    make_alert(world, instances=[world.instance])
    requests(world, 11, at=NOON, instance=other)
    assert judge() == []
    requests(world, 11, at=NOON)
    assert judge(0.1) == ["Too much (warning)"]


def test_an_alert_whose_apis_are_deleted_is_not_about_everything(world: World) -> None:
    other = make_instance(world.gateway, world.api_version, base_path="/other")
    make_alert(world, instances=[other])
    other.delete()
    requests(world, 11, at=NOON)
    assert judge() == []


def test_several_apis_are_added_up(world: World) -> None:
    other = make_instance(world.gateway, world.api_version, base_path="/other")
    make_alert(world, instances=[world.instance, other])
    requests(world, 6, at=NOON)
    requests(world, 6, at=NOON, instance=other)
    assert judge() == ["Too much (warning)"]


def test_requests_of_other_environments_are_nothing_to_it(world: World) -> None:
    make_alert(world)
    requests(world, 11, at=NOON, instance=world.other_instance)
    assert judge() == []


def test_too_few_requests_are_told_after_a_whole_window(world: World) -> None:
    rule = make_alert(world, comparison="below", threshold=5, window_minutes=5)
    AlertRule.objects.filter(pk=rule.pk).update(watched_since=NOON)
    assert judge(4) == []
    assert judge(7) == ["Too much (warning)"]
    for minute in range(8):
        requests(world, 2, at=after(minute))
    assert judge(8) == ["Over: Too much"]


def test_what_comes_and_goes_is_told_once_in_its_rest(world: World) -> None:
    make_alert(world, window_minutes=1, cooldown_minutes=30)
    for minute in range(0, 60, 4):
        requests(world, 11, at=after(minute))
    told = [title for minute in range(60) for title in judge(minute)]
    assert told == ["Too much (warning)", "Over: Too much"] * 2
    assert AlertEpisode.objects.count() == 15


def test_what_still_goes_on_after_the_rest_is_told_then(world: World) -> None:
    make_alert(world, window_minutes=1, cooldown_minutes=10)
    requests(world, 11, at=NOON)
    assert judge() == ["Too much (warning)"]
    assert judge(3) == ["Over: Too much"]
    for minute in range(4, 15):
        requests(world, 11, at=after(minute))
    assert judge(4) == []
    assert judge(11) == ["Too much (warning)"]


def test_a_silenced_alert_tells_afterwards_what_still_goes_on(world: World) -> None:
    rule = make_alert(world)
    with mock.patch("django.utils.timezone.now", return_value=NOON):
        alert_silence(actor=world.ada, rule=rule, minutes=3)
    requests(world, 11, at=NOON)
    assert judge(1) == []
    assert AlertEpisode.objects.get().ended_at is None
    assert judge(4) == ["Too much (warning)"]


def test_what_is_over_before_the_silence_ends_is_never_told(world: World) -> None:
    rule = make_alert(world)
    with mock.patch("django.utils.timezone.now", return_value=NOON):
        alert_silence(actor=world.ada, rule=rule, minutes=60)
    requests(world, 11, at=NOON)
    assert [judge(1), judge(10), judge(61)] == [[], [], []]


def test_recovery_is_told_only_where_it_is_wanted(world: World) -> None:
    make_alert(world, notify_recovery=False)
    requests(world, 11, at=NOON)
    assert judge() == ["Too much (warning)"]
    assert judge(7) == []


def test_an_alert_that_is_switched_off_is_not_judged_and_what_went_on_is_over(world: World) -> None:
    rule = make_alert(world)
    requests(world, 11, at=NOON)
    judge()
    alert_disable(actor=world.ada, rule=AlertRule.objects.get(pk=rule.pk))
    assert AlertEpisode.objects.get().ended_at is not None
    assert judge(1) == []
    alert_enable(actor=world.ada, rule=AlertRule.objects.get(pk=rule.pk))
    assert judge(2) == ["Too much (warning)"]


def test_every_receiver_has_a_notice_of_its_own(world: World) -> None:
    hook = make_webhook(world)
    make_alert(world, emails=["ops@example.test", "boss@example.test"], webhooks=[hook])
    requests(world, 11, at=NOON)
    judge()
    assert sorted(AlertNotice.objects.values_list("receiver", "by_mail")) == [
        ("Pager", False), ("boss@example.test", True), ("ops@example.test", True),
    ]  # fmt: skip


def test_a_run_that_was_overtaken_changes_nothing(world: World) -> None:
    rule = make_alert(world)
    requests(world, 11, at=NOON)
    judge(1)
    alert_judge(rule=AlertRule.objects.get(pk=rule.pk), findings=[], now=after(0.5))
    assert AlertEpisode.objects.get().ended_at is None


def test_what_was_found_before_a_change_of_the_alert_counts_for_nothing(world: World) -> None:
    stale = make_alert(world)
    alert_update(actor=world.ada, rule=AlertRule.objects.get(pk=stale.pk), threshold=100)
    alert_judge(rule=stale, findings=[Finding(detail="11 requests in 5 minutes.")], now=after(1))
    assert not AlertEpisode.objects.exists()


def test_a_fault_of_one_alert_keeps_no_other_from_being_judged(world: World) -> None:
    make_alert(world)
    make_alert(world, name="Also")
    requests(world, 11, at=NOON)
    found = evaluation.rule_findings

    def broken(rule: AlertRule, *args: Any) -> list[Finding]:
        if rule.name == "Also":
            raise RuntimeError
        return found(rule, *args)

    with mock.patch.object(evaluation, "rule_findings", broken):
        assert judge() == ["Too much (warning)"]


def test_episode_and_notices_are_stored_together_or_not_at_all(world: World) -> None:
    make_alert(world)
    requests(world, 11, at=NOON)
    with mock.patch.object(evaluation, "notices_make", side_effect=RuntimeError):
        assert alerts_evaluate(now=NOON) == 0
    assert not AlertEpisode.objects.exists()
    assert judge(0.1) == ["Too much (warning)"]


def replica(world: World, seen_at: datetime.datetime) -> Replica:
    return Replica.objects.create(
        gateway=world.gateway,
        replica_id="r-1",
        host="h",
        version="1",
        seen_at=seen_at,
        pid=1,
        workers=1,
        started_at=seen_at,
    )


def heard(one: Replica, minutes: float) -> None:
    Replica.objects.filter(pk=one.pk).update(seen_at=after(minutes))


def test_a_gateway_that_is_not_heard_of(world: World) -> None:
    make_alert(world, AlertKind.GATEWAY, name="Gone", window_minutes=1)
    one = replica(world, NOON)
    assert [judge(0), judge(0.9)] == [[], []]
    assert judge(1.1) == ["Gone: Edge (warning)"]
    heard(one, 1.5)
    assert judge(1.6) == ["Over: Gone: Edge"]


def test_a_portal_that_listened_to_nobody_blames_no_gateway(world: World) -> None:
    make_alert(world, AlertKind.GATEWAY, name="Gone", window_minutes=1)
    replica(world, NOON)
    judge(0)
    # Its jobs were away for an hour; the first run comes before the first report.
    assert judge(60) == []
    assert judge(60.2) == ["Gone: Edge (warning)"]


def test_a_gateway_that_never_started_is_not_gone(world: World) -> None:
    make_alert(world, AlertKind.GATEWAY, window_minutes=0)
    assert [judge(0), judge(0.5)] == [[], []]


def test_a_certificate_that_expires_soon_until_it_is_renewed(world: World) -> None:
    make_alert(world, AlertKind.CERTIFICATE, name="Renew", days=30)
    certificate = Certificate.objects.create(
        environment=world.production, name="shop", chain="", private_key="", subject="", issuer="", fingerprint="",
        key_type="", not_before=NOON, not_after=NOON + datetime.timedelta(days=31),
    )  # fmt: skip
    assert judge() == []
    assert judge(2 * 24 * 60) == ["Renew: shop (warning)"]
    assert AlertEpisode.objects.get().detail == "The certificate shop expires on 2026-07-02, in 29 days."
    Certificate.objects.filter(pk=certificate.pk).update(not_after=NOON + datetime.timedelta(days=400))
    assert judge(3 * 24 * 60) == ["Over: Renew: shop"]


def contract_event(world: World, action: str, minutes: float) -> None:
    application = ClientApplication.objects.first() or make_application(world.cora)
    contract = Contract.objects.get_or_create(application=application, instance=world.instance)[0]
    AuditEvent.objects.create(
        organization_id=world.organization.pk, environment_id=world.production.pk, actor_name="Cora", action=action,
        target_type="contract", target_id=str(contract.pk), target_name="Shop", created_at=after(minutes),
    )  # fmt: skip


def test_an_event_of_a_contract_is_told_once_and_never_over(world: World) -> None:
    make_alert(world, AlertKind.CONTRACT, name="Access", events=["revoke"])
    contract_event(world, "contract.revoke", 1)
    contract_event(world, "contract.approve", 1)
    assert judge(2) == ["Access: Shop (warning)"]
    assert [judge(3), judge(24 * 60), judge(30 * 60)] == [[], [], []]


def test_two_runs_that_found_the_same_event_tell_it_once(world: World) -> None:
    rule = make_alert(world, AlertKind.CONTRACT, events=["revoke"])
    finding = Finding(subject="e-1", name="Shop", detail="x", at=NOON)
    alert_judge(rule=rule, findings=[finding], now=after(1))
    alert_judge(rule=AlertRule.objects.get(pk=rule.pk), findings=[finding], now=after(2))
    assert AlertNotice.objects.count() == 1
