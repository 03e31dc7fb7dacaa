"""What meets an alert now: its traffic, or the gateways, certificates and events that it is about."""

import datetime
from dataclasses import dataclass
from typing import Any

from portal.alerts.conditions import MINUTE, minute_of, window_measured
from portal.alerts.models import OF_TRAFFIC, AlertEpisode, AlertKind, AlertRule, Comparison
from portal.alerts.traffic import InstanceIds, TrafficRead
from portal.alerts.wording import EVENTS, counted, measured_in_words
from portal.audit.models import AuditEvent
from portal.contracts.models import Contract
from portal.gateways.models import Certificate, Gateway
from portal.gateways.selectors import ConnectionState, gateway_status

# How long what gateways have counted may be on its way into the database.
UNDERWAY = datetime.timedelta(seconds=30)
# Gateways are only judged by a portal that has listened to them lately.
LISTENED = datetime.timedelta(minutes=2)
# Events that were recorded in a transaction that took long are still found.
LATELY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that meets an alert. `at` is set for what happens once and never ends."""

    subject: str = ""
    name: str = ""
    detail: str
    at: datetime.datetime | None = None


def rule_findings(rule: AlertRule, now: datetime.datetime, traffic: TrafficRead) -> list[Finding]:
    """Return what meets an alert at `now`."""
    if rule.kind in OF_TRAFFIC:
        return _of_traffic(rule, now, traffic)
    return _OTHERS[AlertKind(rule.kind)](rule, now)


def instance_ids(rule: AlertRule) -> InstanceIds:
    """Return the ids of the instances that an alert is narrowed to; none for the whole environment."""
    return frozenset(str(instance.pk) for instance in rule.instances.all())


def _of_traffic(rule: AlertRule, now: datetime.datetime, traffic: TrafficRead) -> list[Finding]:
    instances = instance_ids(rule)
    if rule.narrowed and not instances:
        return []
    running, last = minute_of(now), minute_of(now - UNDERWAY) - MINUTE
    first = last - rule.window_minutes * MINUTE
    minutes = traffic.minutes(rule.environment_id, instances, first, running)
    below = rule.kind == AlertKind.REQUESTS and rule.comparison == Comparison.BELOW
    if below and last - (rule.window_minutes - 1) * MINUTE < rule.watched_since:
        # There is no whole window yet in which too few could have come.
        return []
    # The minute that runs is never the reason why there are too few, nor why it would be over.
    for end in (last,) if below else (running, last):
        found = window_measured(rule, minutes, end)
        if found.holds:
            return [Finding(detail=measured_in_words(rule, found.value))]
    return []


def _gateways(rule: AlertRule, now: datetime.datetime) -> list[Finding]:
    if rule.evaluated_at is None or now - rule.evaluated_at > LISTENED:
        return _still_open(rule)
    gateways = Gateway.objects.filter(environment_id=rule.environment_id)
    if rule.narrowed:
        gateways = gateways.filter(api_instances__in=rule.instances.all()).distinct()
    found = []
    for gateway in gateways.prefetch_related("replicas"):
        status = gateway_status(gateway, now)
        silent = status.last_contact is not None and now - status.last_contact >= rule.window_minutes * MINUTE
        if status.state is ConnectionState.DISCONNECTED and silent:
            heard = f"{status.last_contact:%Y-%m-%d %H:%M:%S} UTC"
            detail = f"No replica of {gateway} is connected. The last one was heard of at {heard}."
            found.append(Finding(subject=str(gateway.pk), name=gateway.name, detail=detail))
    return found


def _still_open(rule: AlertRule) -> list[Finding]:
    """Return what was met before, for there is nothing to judge by."""
    return [
        Finding(subject=episode.subject, name=episode.subject_name, detail=episode.latest)
        for episode in rule.episodes.filter(ended_at=None)
    ]


def _certificates(rule: AlertRule, now: datetime.datetime) -> list[Finding]:
    ending = now + datetime.timedelta(days=rule.days)
    certificates = Certificate.objects.filter(environment_id=rule.environment_id, not_after__lte=ending)
    if rule.narrowed:
        certificates = certificates.filter(uses__listener__api_instances__in=rule.instances.all()).distinct()
    return [
        Finding(subject=str(each.pk), name=each.name, detail=_expiry(each, now))
        for each in certificates.defer("private_key", "chain")
    ]


def _expiry(certificate: Certificate, now: datetime.datetime) -> str:
    day, left = f"{certificate.not_after:%Y-%m-%d}", certificate.not_after - now
    if left < datetime.timedelta(0):
        return f"The certificate {certificate} expired on {day}."
    return f"The certificate {certificate} expires on {day}, in {counted(left.days, 'day')}."


def _contracts(rule: AlertRule, now: datetime.datetime) -> list[Finding]:
    told = AlertEpisode.objects.filter(rule=rule, started_at__gte=now - 2 * LATELY).values_list("subject", flat=True)
    known = set(told)
    return [
        Finding(
            subject=str(event.pk),
            name=event.target_name,
            detail=f"{event.actor_name}: contract {EVENTS[event.action.partition('.')[2]]}, {event.target_name}."[:500],
            at=event.created_at,
        )
        for event in contract_events(rule, max(rule.watched_since, now - LATELY), now)
        if str(event.pk) not in known
    ]


def contract_events(rule: AlertRule, since: datetime.datetime, until: datetime.datetime) -> Any:
    """Return the recorded events of contracts that an alert is about."""
    events = AuditEvent.objects.filter(
        organization_id=rule.environment.organization_id,
        environment_id=rule.environment_id,
        created_at__gte=since,
        created_at__lte=until,
        target_type="contract",
        action__in=[f"contract.{event}" for event in rule.events],
    ).order_by("created_at", "pk")
    if not rule.narrowed:
        return list(events)
    contracts = Contract.objects.filter(instance__in=rule.instances.all()).values_list("pk", flat=True)
    wanted = {str(pk) for pk in contracts}
    return [event for event in events if event.target_id in wanted]


_OTHERS = {
    AlertKind.GATEWAY: _gateways,
    AlertKind.CERTIFICATE: _certificates,
    AlertKind.CONTRACT: _contracts,
}
