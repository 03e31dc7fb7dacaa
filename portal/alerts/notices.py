"""What is told, to whom. A notice is a row before it is sent; `delivery` sends what is due."""

import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.alerts.models import (
    AlertEpisode,
    AlertKind,
    AlertNotice,
    AlertRule,
    AlertWebhook,
    NoticeReason,
    NoticeState,
    Severity,
)
from portal.alerts.wording import condition_in_words
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError


def notices_make(*, rule: AlertRule, episode: AlertEpisode, reason: str, now: datetime.datetime) -> None:
    """Keep a notice for each receiver of an alert. Inside of the transaction that begins or ends the episode."""
    _make(rule, episode, reason, now)


@transaction.atomic
def alert_test(*, actor: Any, rule: AlertRule) -> list[AlertNotice]:
    """Send a test to every receiver of an alert."""
    now = timezone.now()
    episode = AlertEpisode(rule=rule, detail="This is a test.", latest="This is a test.", started_at=now)
    made = _make(rule, episode, NoticeReason.TEST, now)
    if not made:
        raise ApplicationError("no_receivers", "Nobody is told by this alert. Add an e-mail address or a webhook.")
    audit_record(actor=actor, action="alert.test", target=rule)
    return made


@transaction.atomic
def webhook_test(*, actor: Any, webhook: AlertWebhook) -> AlertNotice:
    """Send a test to a webhook."""
    now = timezone.now()
    rule = AlertRule(name="Test", environment=webhook.environment, kind=AlertKind.REQUESTS, severity=Severity.INFO)
    episode = AlertEpisode(rule=rule, detail="This is a test.", latest="This is a test.", started_at=now)
    notice = _notice(rule, episode, NoticeReason.TEST, now, webhook=webhook, receiver=webhook.name)
    notice.body["alert"] = None
    notice.save()
    audit_record(actor=actor, action="alert_webhook.test", target=webhook)
    return notice


@transaction.atomic
def notice_send_again(*, actor: Any, notice: AlertNotice) -> AlertNotice:
    """Send a notice once more, whatever became of it before."""
    locked = AlertNotice.objects.select_for_update(of=("self",)).get(pk=notice.pk)
    if locked.state == NoticeState.WAITING:
        raise ApplicationError("notice_waiting", "This notice is being sent. Wait for what becomes of it.", status=409)
    if not locked.by_mail and locked.webhook_id is None:
        raise ApplicationError("webhook_gone", "The webhook that it went to is deleted.", status=409)
    locked.state, locked.tries, locked.next_attempt_at = NoticeState.WAITING, 0, timezone.now()
    locked.save()
    audit_record(actor=actor, action="alert_notice.send_again", target=locked)
    return locked


def _make(rule: AlertRule, episode: AlertEpisode, reason: str, now: datetime.datetime) -> list[AlertNotice]:
    made = [_notice(rule, episode, reason, now, receiver=address) for address in rule.emails]
    made += [
        _notice(rule, episode, reason, now, webhook=webhook, receiver=webhook.name) for webhook in rule.webhooks.all()
    ]
    return AlertNotice.objects.bulk_create(made)


def _notice(
    rule: AlertRule,
    episode: AlertEpisode,
    reason: str,
    now: datetime.datetime,
    *,
    receiver: str,
    webhook: AlertWebhook | None = None,
) -> AlertNotice:
    stored = not episode._state.adding
    notice = AlertNotice(
        environment=rule.environment, rule=None if rule._state.adding else rule, episode=episode if stored else None,
        webhook=webhook, by_mail=webhook is None, receiver=receiver, reason=reason, next_attempt_at=now,
        title=_title(rule, episode, reason),
    )  # fmt: skip
    notice.body = {"id": str(notice.pk), **_body(rule, episode, reason, now)}
    return notice


def _title(rule: AlertRule, episode: AlertEpisode, reason: str) -> str:
    about = f": {episode.subject_name}" if episode.subject_name else ""
    before = {NoticeReason.TEST: "Test of ", NoticeReason.RECOVERED: "Over: "}.get(NoticeReason(reason), "")
    severity = "" if reason == NoticeReason.RECOVERED else f" ({Severity(rule.severity).label.lower()})"
    return f"{before}{rule.name}{about}{severity}"[:254]


def _body(rule: AlertRule, episode: AlertEpisode, reason: str, now: datetime.datetime) -> dict[str, Any]:
    environment = rule.environment
    return {
        "event": str(reason),
        "at": _time(now),
        "organization": environment.organization.slug,
        "environment": environment.slug,
        "alert": {
            "id": str(rule.pk),
            "name": rule.name,
            "kind": rule.kind,
            "severity": rule.severity,
            "condition": condition_in_words(rule),
            "url": settings.PORTAL_URL + rule.get_absolute_url(),
        },
        "subject": {"id": episode.subject, "name": episode.subject_name} if episode.subject else None,
        "detail": episode.latest,
        "started_at": _time(episode.started_at),
        "ended_at": _time(episode.ended_at) if episode.ended_at else None,
    }


def _time(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
