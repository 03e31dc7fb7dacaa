"""How alerts read."""

from gateway_runtime.policies.registry import all_definitions
from portal.alerts.models import AlertKind, AlertRule, Comparison, Measure

EVENTS = {
    "request": "requested",
    "approve": "approved",
    "reject": "rejected",
    "revoke": "revoked",
    "restore": "restored",
}


def counted(number: float, thing: str) -> str:
    """Return “1 request” or “1,200 requests”."""
    return f"{number:,.0f} {thing}{'' if number == 1 else 's'}"


def window_in_words(minutes: int) -> str:
    """Return “a minute”, “5 minutes”, “2 hours”."""
    if minutes == 1:
        return "a minute"
    if minutes % 60:
        return f"{minutes} minutes"
    return "an hour" if minutes == 60 else f"{minutes // 60} hours"


def policy_title(name: str) -> str:
    """Return how a policy is called; its name where it is not known any more."""
    return next((each.title for each in all_definitions() if each.name == name), name)


def condition_in_words(rule: AlertRule) -> str:
    """Return when an alert is met, as a part of a sentence."""
    window = window_in_words(rule.window_minutes)
    if rule.kind == AlertKind.REQUESTS:
        side = Comparison(rule.comparison).label.lower()
        return f"{side} {counted(rule.threshold, 'request')} in {window}"
    if rule.kind == AlertKind.RESPONSE_TIME:
        measure = Measure(rule.measure).label.lower()
        return f"the {measure} of response times over {rule.threshold:,} ms in {window}"
    if rule.kind == AlertKind.STATUSES:
        return f"more than {counted(rule.threshold, 'answer')} with {' or '.join(rule.statuses)} in {window}"
    if rule.kind == AlertKind.VIOLATIONS:
        by = f" by {policy_title(rule.policy)}" if rule.policy else ""
        return f"more than {counted(rule.threshold, 'request')} refused{by} in {window}"
    if rule.kind == AlertKind.GATEWAY:
        return "no replica of a gateway is heard of" + (f" for {window}" if rule.window_minutes else "")
    if rule.kind == AlertKind.CERTIFICATE:
        return f"a certificate expires within {counted(rule.days, 'day')}"
    return f"a contract is {' or '.join(EVENTS.get(event, event) for event in rule.events)}"


def measured_in_words(rule: AlertRule, value: float | None) -> str:
    """Return what a window of traffic came to, as a sentence."""
    window = window_in_words(rule.window_minutes)
    if rule.kind == AlertKind.RESPONSE_TIME:
        measure = Measure(rule.measure).label
        return f"{measure} of response times in {window}: " + (f"{value:,.0f} ms." if value is not None else "none.")
    number = value or 0
    if rule.kind == AlertKind.STATUSES:
        return f"{counted(number, 'answer')} with {' or '.join(rule.statuses)} in {window}."
    if rule.kind == AlertKind.VIOLATIONS:
        by = f" by {policy_title(rule.policy)}" if rule.policy else ""
        return f"{counted(number, 'request')} refused{by} in {window}."
    return f"{counted(number, 'request')} in {window}."
