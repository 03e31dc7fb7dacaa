"""Alerts for tests, and the time they are judged at."""

import datetime
from typing import Any

from gateway_runtime.schema.histogram import bucket
from portal.alerts.evaluation import alerts_evaluate
from portal.alerts.models import AlertKind, AlertNotice, AlertRule, AlertWebhook
from portal.alerts.services import alert_create
from portal.alerts.webhook_services import webhook_create
from portal.organizations.models import Environment
from tests.portal.base import World
from tests.portal.traffic import traffic_store

NOON = datetime.datetime(2026, 6, 1, 12, 0, 40, tzinfo=datetime.UTC)


def after(minutes: float) -> datetime.datetime:
    """Return a time some minutes after noon."""
    return NOON + datetime.timedelta(minutes=minutes)


def make_alert(world: World, kind: str = AlertKind.REQUESTS, **settings: Any) -> AlertRule:
    """Make an alert of Ada's production: more than 10 requests in 5 minutes, told by mail, without a rest."""
    usual: dict[str, Any] = {"name": "Too much", "emails": ["ops@example.test"], "cooldown_minutes": 0}
    if kind == AlertKind.REQUESTS:
        usual["threshold"] = 10
    rule = alert_create(actor=world.ada, environment=world.production, kind=kind, **{**usual, **settings})
    # As if it had been there for long.
    AlertRule.objects.filter(pk=rule.pk).update(watched_since=after(-60 * 24))
    return AlertRule.objects.get(pk=rule.pk)


def make_webhook(world: World, environment: Environment | None = None, **values: Any) -> AlertWebhook:
    """Make a webhook."""
    given = {"name": "Pager", "url": "https://pager.example.com/notices", **values}
    return webhook_create(actor=world.ada, environment=environment or world.production, **given).webhook


def requests(
    world: World, count: int, *, at: datetime.datetime, ms: int = 5, instance: Any = None, **fields: Any
) -> None:
    """Store requests of one minute, all of the same duration."""
    minute = at.replace(second=0, microsecond=0)
    latency = {str(bucket(ms * 1000)): count}
    traffic_store(instance or world.instance, minute=minute, requests=count, latency=latency, **fields)


def judge(minutes: float = 0) -> list[str]:
    """Judge all alerts some minutes after noon. Return the titles of the notices that were made."""
    known = set(AlertNotice.objects.values_list("pk", flat=True))
    alerts_evaluate(now=after(minutes))
    return sorted(AlertNotice.objects.exclude(pk__in=known).values_list("title", flat=True))
