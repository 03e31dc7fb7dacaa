"""Changes of alerts: what is recorded, what can be taken back, what is forgotten."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from portal.alerts.models import AlertKind, AlertNotice, AlertRule, AlertWebhook
from portal.alerts.notices import alert_test, webhook_test
from portal.alerts.services import KEPT, alert_create, alert_delete, alert_disable, alert_update, notices_forget
from portal.alerts.webhook_services import webhook_rotate
from portal.audit.models import AuditEvent
from portal.audit.undo import change_undo
from portal.core.errors import ApplicationError
from tests.portal.alerts.factories import make_alert, make_webhook
from tests.portal.base import World

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "settings", "field"),
    [
        (AlertKind.STATUSES, {}, "statuses"),
        (AlertKind.STATUSES, {"statuses": ["700"]}, "statuses"),
        (AlertKind.STATUSES, {"statuses": [f"4{number:02}" for number in range(11)]}, "statuses"),
        (AlertKind.REQUESTS, {"comparison": "below", "threshold": 0}, "threshold"),
        (AlertKind.REQUESTS, {"comparison": "about"}, "comparison"),
        (AlertKind.REQUESTS, {"window_minutes": 0}, "window_minutes"),
        (AlertKind.REQUESTS, {"window_minutes": 1441}, "window_minutes"),
        (AlertKind.RESPONSE_TIME, {"measure": "p42"}, "measure"),
        (AlertKind.VIOLATIONS, {"policy": "no-such-policy"}, "policy"),
        (AlertKind.CERTIFICATE, {"days": 0}, "days"),
        (AlertKind.CONTRACT, {"events": []}, "events"),
        (AlertKind.CONTRACT, {"events": ["explode"]}, "events"),
        (AlertKind.GATEWAY, {"emails": ["no address"]}, "emails"),
        (AlertKind.GATEWAY, {"emails": [f"a{number}@example.test" for number in range(21)]}, "emails"),
        (AlertKind.GATEWAY, {"name": ""}, "name"),
        ("weather", {}, "kind"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    world: World, kind: str, settings: dict[str, Any], field: str
) -> None:
    with pytest.raises(ApplicationError) as raised:
        alert_create(actor=world.ada, environment=world.production, kind=kind, **{"name": "x", **settings})
    assert list(raised.value.fields) == [field]


def test_a_name_is_once_in_an_environment(world: World) -> None:
    make_alert(world)
    with pytest.raises(ApplicationError) as raised:
        make_alert(world)
    assert "name" in raised.value.fields


def event(action: str) -> AuditEvent:
    return AuditEvent.objects.filter(action=action).order_by("-created_at").first()  # type: ignore[return-value]


def test_changes_are_recorded_and_can_be_taken_back(world: World) -> None:
    hook = make_webhook(world)
    rule = make_alert(world, instances=[world.instance], webhooks=[hook])
    alert_update(actor=world.ada, rule=rule, threshold=99, instances=[])
    assert event("alert.update").after["threshold"] == 99
    change_undo(actor=world.ada, event=event("alert.update"))
    rule = AlertRule.objects.get()
    assert (rule.threshold, list(rule.instances.all())) == (10, [world.instance])
    alert_disable(actor=world.ada, rule=rule)
    change_undo(actor=world.ada, event=event("alert.disable"))
    assert AlertRule.objects.get().enabled
    alert_delete(actor=world.ada, rule=AlertRule.objects.get())
    change_undo(actor=world.ada, event=event("alert.delete"))
    back = AlertRule.objects.get()
    assert (back.threshold, list(back.webhooks.all()), back.narrowed) == (10, [hook], True)


def test_secrets_are_encrypted_and_recorded_nowhere(world: World) -> None:
    secret = webhook_rotate(actor=world.ada, webhook=make_webhook(world)).secret
    assert secret.startswith("whsec_")
    assert len(secret) > 40
    recorded = [str(values) for values in AuditEvent.objects.values_list("before", "after", "message")]
    assert not any(secret in text for text in recorded)
    stored = AlertWebhook.objects.values_list("secret", flat=True).get()
    assert secret not in stored.token


def test_a_test_without_receivers_is_refused(world: World) -> None:
    with pytest.raises(ApplicationError, match="Nobody is told"):
        alert_test(actor=world.ada, rule=make_alert(world, emails=[]))


def test_what_is_old_is_forgotten_but_not_what_waits(world: World) -> None:
    notice = webhook_test(actor=world.ada, webhook=make_webhook(world))
    later = timezone.now() + KEPT + datetime.timedelta(minutes=1)
    assert notices_forget(now=later) == 0
    AlertNotice.objects.filter(pk=notice.pk).update(state="sent")
    assert notices_forget(now=timezone.now()) == 0
    assert notices_forget(now=later) == 1
