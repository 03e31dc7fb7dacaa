"""What can be set of an alert, checked: a sentence beside the field of what is wrong."""

import re
from collections.abc import Iterable
from typing import Any, TypedDict

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from gateway_runtime.policies.registry import all_definitions
from portal.alerts.models import AlertKind, AlertRule, AlertWebhook
from portal.alerts.wording import EVENTS
from portal.apis.models import ApiInstance
from portal.core.errors import ApplicationError

MOST_RECEIVERS = 20
MOST_STATUSES = 10
_STATUS = re.compile(r"\A([1-5]xx|[1-5][0-9]{2})\Z")


class AlertSettings(TypedDict, total=False):
    """All of an alert but its environment and its kind, as services take it."""

    name: str
    severity: str
    instances: Iterable[ApiInstance]
    comparison: str
    threshold: int
    window_minutes: int
    measure: str
    statuses: list[str]
    policy: str
    days: int
    events: list[str]
    cooldown_minutes: int
    notify_recovery: bool
    emails: list[str]
    webhooks: Iterable[AlertWebhook]


# Those kept in the row itself.
PLAIN = tuple(name for name in AlertSettings.__annotations__ if name not in ("instances", "webhooks"))
# Which of them a kind of alert goes by, besides those of all.
OF_KIND: dict[str, tuple[str, ...]] = {
    AlertKind.REQUESTS: ("comparison", "threshold", "window_minutes"),
    AlertKind.RESPONSE_TIME: ("measure", "threshold", "window_minutes"),
    AlertKind.STATUSES: ("statuses", "threshold", "window_minutes"),
    AlertKind.VIOLATIONS: ("policy", "threshold", "window_minutes"),
    AlertKind.GATEWAY: ("window_minutes",),
    AlertKind.CERTIFICATE: ("days",),
    AlertKind.CONTRACT: ("events",),
}
OF_SOME = frozenset(name for names in OF_KIND.values() for name in names)


def rule_checked(rule: AlertRule, instances: list[ApiInstance], webhooks: list[AlertWebhook]) -> None:
    """Raise `ApplicationError` with a sentence for each field of a rule that needs another value."""
    faults = {name: text for name, text in _faults(rule) if name not in OF_SOME or name in OF_KIND[rule.kind]}
    if any(instance.environment_id != rule.environment_id for instance in instances):
        faults["instances"] = "Choose API instances of this environment."
    if any(webhook.environment_id != rule.environment_id for webhook in webhooks):
        faults["webhooks"] = "Choose webhooks of this environment."
    if len(rule.emails) + len(webhooks) > MOST_RECEIVERS:
        faults["emails"] = f"At most {MOST_RECEIVERS} receivers are told by one alert."
    if AlertRule.objects.filter(environment=rule.environment, name=rule.name).exclude(pk=rule.pk).exists():
        faults["name"] = f"There is an alert named {rule.name} in this environment. Choose another name."
    if faults:
        raise ApplicationError("invalid", "Some fields need another value.", fields=faults)


def _faults(rule: AlertRule) -> Iterable[tuple[str, str]]:
    try:
        rule.clean_fields(exclude=["environment"])
    except ValidationError as error:
        yield from ((name, " ".join(texts)) for name, texts in error.message_dict.items())
    if rule.kind != AlertKind.GATEWAY and not rule.window_minutes:
        yield "window_minutes", "Use 1 or more."
    if rule.kind == AlertKind.REQUESTS and rule.comparison == "below" and not rule.threshold:
        yield "threshold", "Nothing is fewer than 0. Use 1 or more."
    if not rule.statuses or not all(isinstance(each, str) and _STATUS.match(each) for each in rule.statuses):
        yield "statuses", "Give statuses such as 429 or 5xx."
    elif len(rule.statuses) > MOST_STATUSES:
        yield "statuses", f"Give at most {MOST_STATUSES}."
    if rule.policy and rule.policy not in {definition.name for definition in all_definitions()}:
        yield "policy", "There is no such policy."
    if not rule.events or not set(rule.events) <= set(EVENTS):
        yield "events", f"Choose from {', '.join(EVENTS)}."
    for address in rule.emails:
        try:
            validate_email(address)
        except ValidationError:
            yield "emails", f"{str(address)[:100]} is not an e-mail address."


def kept(settings: AlertSettings) -> dict[str, Any]:
    """Return the settings of the row itself, lists without what is there twice."""
    plain: dict[str, Any] = {name: value for name, value in settings.items() if name in PLAIN}
    for name in ("statuses", "events", "emails"):
        if name in plain:
            plain[name] = list(dict.fromkeys(plain[name]))
    return plain
