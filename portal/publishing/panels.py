"""What publishing shows on the pages of gateways and API instances."""

from typing import Any

from django.http import HttpRequest

from portal.apis.models import ApiInstance
from portal.core import panels
from portal.core.links import console_url
from portal.gateways.models import Gateway
from portal.publishing.drift import gateways_drift
from portal.publishing.models import HoldReason, RolloutKind
from portal.publishing.notices import instance_notices
from portal.publishing.rollouts import open_rollout, rollout_undone
from portal.publishing.selectors import gateway_deployment, quarantine_of, rollout_changes
from portal.publishing.targets import instance_targets
from portal.publishing.verdict import rollout_figures
from portal.publishing.waiting import gateway_hold, waiting_of

RECENT = 5


def deployment_context(request: HttpRequest, gateway: Gateway, instance: ApiInstance | None = None) -> dict[str, Any]:
    """Return what the deployment panel is drawn from."""
    deployment = gateway_deployment(gateway)
    query = f"?instance={instance.pk}" if instance is not None else ""
    return {
        "deployment": deployment,
        "fragment_url": console_url(request, "publishing:deployment", gateway.pk) + query,
        "quarantine": quarantine_of(deployment.revision, instance.pk) if instance is not None else None,
    }


def _on_gateway(request: HttpRequest, gateway: Gateway) -> dict[str, Any]:
    return deployment_context(request, gateway)


def _on_instance(request: HttpRequest, instance: ApiInstance) -> dict[str, Any]:
    return deployment_context(request, instance.gateway, instance)


def _recent(request: HttpRequest, gateway: Gateway) -> dict[str, Any]:
    return {"revisions": gateway.revisions.defer("envelope").order_by("-number")[:RECENT]}


def rollout_context(request: HttpRequest, gateway: Gateway) -> dict[str, Any] | None:
    """Return what the card of a staged change is drawn from; None where nothing is staged."""
    rollout = open_rollout(gateway)
    if rollout is None:
        return None
    stable, candidate = rollout_figures(rollout)
    changes = rollout_changes(rollout, request.user)
    waits = rollout.kind == RolloutKind.PERCENT and any(change.whole for change in changes)
    return {
        "rollout": rollout,
        "changes": changes,
        # Listeners and settings are for whole replicas; without anything else in it nobody gets the candidate.
        "waits": waits,
        "nobody": waits and not rollout.instances,
        "rows": [("Stable", rollout.stable, stable), ("Candidate", rollout.candidate, candidate)],
        "replica": gateway.replicas.filter(replica_id=rollout.replica_id).first() if rollout.replica_id else None,
    }


def _rollout_on_gateway(request: HttpRequest, gateway: Gateway) -> dict[str, Any] | None:
    return rollout_context(request, gateway)


def _rollout_on_instance(request: HttpRequest, instance: ApiInstance) -> dict[str, Any] | None:
    rollout = open_rollout(instance.gateway)
    return {"rollout": rollout} if rollout is not None else None


def _drift(request: HttpRequest, environment: Any) -> dict[str, Any] | None:
    drift = gateways_drift(Gateway.objects.filter(environment=environment))
    return {"behind": sum(each.behind for each in drift)} if drift else None


def _hold_on_gateway(request: HttpRequest, gateway: Gateway) -> dict[str, Any] | None:
    hold = gateway_hold(gateway)
    if hold is None:
        return None
    undone = rollout_undone(gateway) if hold.reason == HoldReason.UNDONE else None
    return {"waiting": waiting_of(hold, request.user), "why": undone.reason if undone is not None else ""}


def _hold_on_instance(request: HttpRequest, instance: ApiInstance) -> dict[str, Any] | None:
    hold = gateway_hold(instance.gateway)
    return {"hold": hold} if hold is not None else None


def _notices(request: HttpRequest, instance: ApiInstance) -> dict[str, Any] | None:
    notices = instance_notices(instance)
    return {"notices": notices} if notices else None


def _targets(request: HttpRequest, instance: ApiInstance) -> dict[str, Any] | None:
    targets = instance_targets(instance)
    return {"targets": targets} if targets else None


def panels_register() -> None:
    """Add what waits, the deployment panel, what policies see, and the last revisions to pages of lower apps."""
    for place, name, context, order in (
        ("gateway:first", "rollout", _rollout_on_gateway, 4),
        ("gateway:first", "hold", _hold_on_gateway, 5),
        ("gateway", "deployment", _on_gateway, 20),
        ("gateway", "recent", _recent, 60),
        ("gateways", "drift_link", _drift, 50),
        ("instance:first", "staged", _rollout_on_instance, 4),
        ("instance:first", "held", _hold_on_instance, 5),
        ("instance", "deployment", _on_instance, 20),
        ("policies", "staged", _rollout_on_instance, 4),
        ("policies", "held", _hold_on_instance, 5),
        ("policies", "deployment", _on_instance, 10),
    ):
        panels.register(
            place,
            name=name,
            template=f"publishing/{name}.html",
            context=context,
            permission="revision.view",
            order=order,
        )
    panels.register(
        "instance",
        name="targets",
        template="publishing/targets.html",
        context=_targets,
        permission="instance.view",
        order=21,
    )
    for place in ("instance", "policies"):
        panels.register(
            place,
            name="notices",
            template="publishing/notices.html",
            context=_notices,
            permission="policy.view",
            order=22,
        )
    panels.register_tab(
        "gateway",
        name="drift",
        title="Who runs what",
        url_name="publishing:drift",
        icon="server-2",
        permission="revision.view",
        order=31,
    )
    panels.register_tab(
        "gateway",
        name="revisions",
        title="Revisions",
        url_name="publishing:list",
        icon="history",
        permission="revision.view",
        order=30,
    )
