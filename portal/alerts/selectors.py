"""Questions about alerts."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Q
from django.utils import timezone

from portal.alerts.conditions import MINUTE, minute_of, times_met
from portal.alerts.findings import contract_events, rule_findings
from portal.alerts.models import OF_TRAFFIC, AlertKind, AlertRule
from portal.alerts.traffic import TrafficRead
from portal.apis.models import ApiInstance
from portal.organizations.models import Environment

DAY = datetime.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Preview:
    """How an alert would do. `times` is None where the past cannot be known; `sentence` says it."""

    times: int | None
    sentence: str


def rules_with_state(rules: Any) -> Any:
    """Return alerts with how many of their episodes go on, and when the last one began."""
    return rules.annotate(
        going_on=Count("episodes", filter=Q(episodes__ended_at=None)), last_met=Max("episodes__started_at")
    )


def rule_state(rule: Any, now: datetime.datetime | None = None) -> str:
    """Return an alert's state, of one with `going_on`: disabled, silenced, firing or quiet."""
    if not rule.enabled:
        return "disabled"
    if rule.silenced_until is not None and rule.silenced_until > (now or timezone.now()):
        return "silenced"
    return "firing" if rule.going_on else "quiet"


def alert_preview(
    *, environment: Environment, kind: str, instances: list[ApiInstance], settings: dict[str, Any],
    now: datetime.datetime | None = None,
) -> Preview:  # fmt: skip
    """Return how often an alert with these settings would have been told in the last 24 hours."""
    now = now or timezone.now()
    rule = AlertRule(environment=environment, kind=kind, narrowed=bool(instances), **settings)
    rule.watched_since, rule.evaluated_at = now - DAY, now
    # What a rule that is not saved would have of instances.
    chosen = ApiInstance.objects.filter(pk__in=[each.pk for each in instances])
    rule.__dict__["_prefetched_objects_cache"] = {"instances": chosen}
    if kind in OF_TRAFFIC:
        last = minute_of(now) - MINUTE
        first = minute_of(now - DAY)
        ids = frozenset(str(each.pk) for each in instances)
        minutes = TrafficRead().minutes(environment.pk, ids, first - rule.window_minutes * MINUTE, last)
        return _told(times_met(rule, minutes, first, last))
    if kind == AlertKind.CONTRACT:
        return _told(len(contract_events(rule, now - DAY, now)))
    count = len(rule_findings(rule, now, TrafficRead()))
    thing = "gateway" if kind == AlertKind.GATEWAY else "certificate"
    things = f"{count} {thing}{'' if count == 1 else 's'}"
    return Preview(None, f"Would fire now for {things}." if count else f"Would not fire now: no {thing} is affected.")


def _told(times: int) -> Preview:
    if not times:
        return Preview(0, "Would not have fired in the last 24 h.")
    return Preview(times, f"Would have fired {'once' if times == 1 else f'{times} times'} in the last 24 h.")
