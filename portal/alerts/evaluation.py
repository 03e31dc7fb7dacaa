"""Judging alerts: episodes begin and end, and what is to be told is kept in the same transaction."""

import datetime
import logging

from django.db import transaction
from django.utils import timezone

from portal.alerts.findings import Finding, rule_findings
from portal.alerts.models import AlertEpisode, AlertRule, NoticeReason
from portal.alerts.notices import notices_make
from portal.alerts.traffic import TrafficRead

logger = logging.getLogger(__name__)


def alerts_evaluate(*, now: datetime.datetime | None = None) -> int:
    """Judge every alert that is switched on. Returns how many were. A fault of one keeps no other from it."""
    now = now or timezone.now()
    traffic, judged = TrafficRead(), 0
    rules = AlertRule.objects.filter(enabled=True).select_related("environment").prefetch_related("instances")
    for rule in rules.order_by("pk"):
        try:
            findings = rule_findings(rule, now, traffic)
            alert_judge(rule=rule, findings=findings, now=now)
        except Exception:
            logger.exception("alert_not_judged", extra={"alert": str(rule.pk)})
        else:
            judged += 1
    return judged


@transaction.atomic
def alert_judge(*, rule: AlertRule, findings: list[Finding], now: datetime.datetime) -> None:
    """Bring the episodes of an alert to what was found. Whoever was overtaken meanwhile changes nothing."""
    locked = AlertRule.objects.select_for_update().select_related(None).get(pk=rule.pk)
    overtaken = locked.evaluated_at is not None and locked.evaluated_at >= now
    # What was found is about the alert as it was; the next run judges it as it is.
    if overtaken or not locked.enabled or locked.updated_at != rule.updated_at:
        return
    going_on = {episode.subject: episode for episode in rule.episodes.filter(ended_at=None)}
    for finding in findings:
        if finding.at is not None:
            _tell_event(rule, finding, finding.at, now)
        elif (episode := going_on.pop(finding.subject, None)) is not None:
            _go_on(rule, episode, finding, now)
        else:
            _begin(rule, finding, now)
    for episode in going_on.values():
        _end(rule, episode, now)
    # Not `save`: that an alert was judged is no change of it.
    AlertRule.objects.filter(pk=rule.pk).update(evaluated_at=now)


def _begin(rule: AlertRule, finding: Finding, now: datetime.datetime) -> None:
    episode = AlertEpisode(
        rule=rule, subject=finding.subject, subject_name=finding.name, detail=finding.detail, started_at=now
    )
    _go_on(rule, episode, finding, now)


def _go_on(rule: AlertRule, episode: AlertEpisode, finding: Finding, now: datetime.datetime) -> None:
    fresh, was = episode._state.adding, episode.latest
    episode.latest = finding.detail
    due = episode.noticed_at is None and not _silenced(rule, now) and not _too_soon(rule, episode, now)
    if due:
        episode.noticed_at = now
    if due or fresh or was != episode.latest:
        episode.save()
    if due:
        notices_make(rule=rule, episode=episode, reason=NoticeReason.FIRED, now=now)


def _end(rule: AlertRule, episode: AlertEpisode, now: datetime.datetime) -> None:
    episode.ended_at = now
    episode.save()
    if episode.noticed_at is not None and rule.notify_recovery and not _silenced(rule, now):
        notices_make(rule=rule, episode=episode, reason=NoticeReason.RECOVERED, now=now)


def _tell_event(rule: AlertRule, finding: Finding, at: datetime.datetime, now: datetime.datetime) -> None:
    if rule.episodes.filter(subject=finding.subject).exists():
        return
    silenced = _silenced(rule, now)
    episode = AlertEpisode.objects.create(
        rule=rule, subject=finding.subject, subject_name=finding.name, detail=finding.detail, latest=finding.detail,
        started_at=at, ended_at=at, noticed_at=None if silenced else now,
    )  # fmt: skip
    if not silenced:
        notices_make(rule=rule, episode=episode, reason=NoticeReason.FIRED, now=now)


def _silenced(rule: AlertRule, now: datetime.datetime) -> bool:
    return rule.silenced_until is not None and rule.silenced_until > now


def _too_soon(rule: AlertRule, episode: AlertEpisode, now: datetime.datetime) -> bool:
    since = now - datetime.timedelta(minutes=rule.cooldown_minutes)
    return rule.episodes.filter(subject=episode.subject, noticed_at__gt=since).exists()
