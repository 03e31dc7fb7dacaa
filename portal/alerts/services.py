"""Every change of alerts."""

import datetime
from typing import Any, Unpack

from django.db import transaction
from django.utils import timezone

from portal.alerts.models import AlertEpisode, AlertKind, AlertNotice, AlertRule, NoticeState
from portal.alerts.settings_checks import PLAIN, AlertSettings, kept, rule_checked
from portal.audit.services import audit_record
from portal.audit.undo import undoable
from portal.core.errors import ApplicationError
from portal.organizations.models import Environment

KEPT = datetime.timedelta(days=90)
MOST_SILENCE_MINUTES = 30 * 24 * 60
# Rows of one run, which is never long.
FORGOTTEN_AT_ONCE = 1000


@undoable("alert")
@transaction.atomic
def alert_create(
    *, actor: Any, environment: Environment, kind: str, enabled: bool = True, **settings: Unpack[AlertSettings]
) -> AlertRule:
    """Make an alert. It is judged within seconds, by what happens from now on."""
    rule = AlertRule(environment=environment, kind=kind, enabled=enabled)
    if kind not in AlertKind.values:
        message = f"Choose from {', '.join(AlertKind.values)}."
        raise ApplicationError("invalid", "Some fields need another value.", fields={"kind": message})
    _set(rule, settings)
    audit_record(actor=actor, action="alert.create", target=rule, after=alert_described(rule))
    return rule


@undoable("alert")
@transaction.atomic
def alert_update(*, actor: Any, rule: AlertRule, **settings: Unpack[AlertSettings]) -> AlertRule:
    """Change an alert. What is not given stays as it is; what goes on is judged anew."""
    before = alert_described(AlertRule.objects.get(pk=rule.pk))
    rule.watched_since = timezone.now()
    _set(rule, settings)
    audit_record(actor=actor, action="alert.update", target=rule, before=before, after=alert_described(rule))
    return rule


@undoable("alert")
@transaction.atomic
def alert_enable(*, actor: Any, rule: AlertRule) -> AlertRule:
    """Judge an alert from now on."""
    return _switch(rule, actor, enabled=True)


@undoable("alert")
@transaction.atomic
def alert_disable(*, actor: Any, rule: AlertRule) -> AlertRule:
    """Judge an alert no longer. What goes on is over, and nobody is told."""
    rule = _switch(rule, actor, enabled=False)
    rule.episodes.filter(ended_at=None).update(ended_at=timezone.now())
    return rule


@transaction.atomic
def alert_silence(*, actor: Any, rule: AlertRule, minutes: int) -> AlertRule:
    """Tell nobody for some minutes; 0 ends the silence. What is met then and still goes on is told afterwards."""
    if not 0 <= minutes <= MOST_SILENCE_MINUTES:
        message = f"Use 0 to {MOST_SILENCE_MINUTES} minutes."
        raise ApplicationError("invalid", message, fields={"minutes": message})
    before = rule.silenced_until
    rule.silenced_until = timezone.now() + datetime.timedelta(minutes=minutes) if minutes else None
    rule.save(update_fields=["silenced_until", "updated_at"])
    audit_record(
        actor=actor, action="alert.silence" if minutes else "alert.silence_end", target=rule,
        before={"silenced_until": _said(before)}, after={"silenced_until": _said(rule.silenced_until)},
    )  # fmt: skip
    return rule


@undoable("alert")
@transaction.atomic
def alert_delete(*, actor: Any, rule: AlertRule) -> None:
    """Delete an alert with its history. Notices that wait are still sent."""
    audit_record(actor=actor, action="alert.delete", target=rule, before=alert_described(rule))
    rule.delete()


@transaction.atomic
def notices_forget(*, now: datetime.datetime | None = None) -> int:
    """Delete notices and episodes that were over long ago, a limited number at once. Returns how many."""
    before = (now or timezone.now()) - KEPT
    gone = 0
    for rows in (
        AlertNotice.objects.filter(created_at__lt=before).exclude(state=NoticeState.WAITING),
        AlertEpisode.objects.filter(ended_at__lt=before),
    ):
        old = list(rows.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
        gone += rows.model.objects.filter(pk__in=old).delete()[0]
    return gone


def alert_described(rule: AlertRule) -> dict[str, Any]:
    """Return an alert as it is recorded."""
    return {
        **{name: getattr(rule, name) for name in PLAIN},
        "kind": rule.kind,
        "enabled": rule.enabled,
        "instances": sorted(map(str, rule.instances.all())),
        "webhooks": sorted(map(str, rule.webhooks.all())),
    }


def _set(rule: AlertRule, settings: AlertSettings) -> None:
    fresh = rule._state.adding
    for name, value in kept(settings).items():
        setattr(rule, name, value)
    instances = list(settings.get("instances", () if fresh else rule.instances.all()))
    webhooks = list(settings.get("webhooks", () if fresh else rule.webhooks.all()))
    rule_checked(rule, instances, webhooks)
    if fresh or "instances" in settings:
        rule.narrowed = bool(instances)
    rule.save()
    rule.instances.set(instances)
    rule.webhooks.set(webhooks)
    # A rule that came with its instances would go on showing those that it had.
    rule.__dict__.pop("_prefetched_objects_cache", None)


def _switch(rule: AlertRule, actor: Any, *, enabled: bool) -> AlertRule:
    if rule.enabled == enabled:
        return rule
    rule.enabled = enabled
    rule.watched_since = timezone.now()
    rule.save(update_fields=["enabled", "watched_since", "updated_at"])
    audit_record(
        actor=actor, action="alert.enable" if enabled else "alert.disable", target=rule,
        before={"enabled": not enabled}, after={"enabled": enabled},
    )  # fmt: skip
    return rule


def _said(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
