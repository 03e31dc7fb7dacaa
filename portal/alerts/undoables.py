"""What of alerts can be taken back."""

from typing import Any

from portal.alerts.models import AlertRule, AlertWebhook
from portal.alerts.services import alert_create, alert_delete, alert_disable, alert_enable, alert_update
from portal.alerts.settings_checks import PLAIN
from portal.apis.models import ApiInstance
from portal.audit.undo import Thing, register, still_there
from portal.organizations.models import Environment


def _state(rule: AlertRule) -> dict[str, Any]:
    return {
        **{name: getattr(rule, name) for name in PLAIN},
        "kind": rule.kind,
        "enabled": rule.enabled,
        "environment": str(rule.environment_id),
        "instances": sorted(str(pk) for pk in rule.instances.values_list("pk", flat=True)),
        "webhooks": sorted(str(pk) for pk in rule.webhooks.values_list("pk", flat=True)),
    }


def _settings(state: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: state[name] for name in PLAIN},
        "instances": [still_there(ApiInstance, pk) for pk in state["instances"]],
        "webhooks": [still_there(AlertWebhook, pk) for pk in state["webhooks"]],
    }


def _again(actor: Any, state: dict[str, Any]) -> None:
    environment = still_there(Environment, state["environment"])
    alert_create(actor=actor, environment=environment, kind=state["kind"], enabled=state["enabled"], **_settings(state))


def _back(actor: Any, rule: AlertRule, state: dict[str, Any]) -> None:
    if state["enabled"] != rule.enabled:
        switch = alert_enable if state["enabled"] else alert_disable
        switch(actor=actor, rule=rule)
    else:
        alert_update(actor=actor, rule=rule, **_settings(state))


register(
    Thing(
        name="alert",
        permission="alert.change",
        argument="rule",
        model=AlertRule,
        state=_state,
        create=_again,
        change=_back,
        remove=alert_delete,
    )
)
