"""Rollouts as rows: the open one of a gateway, what is noted in it, and its end. Callers hold the gateway's lock."""

from typing import Any

from django.utils import timezone

from portal.gateways.models import Gateway
from portal.publishing.models import Revision, Rollout, RolloutState, Staging, Trial

# What both a gateway's way of staging and a rollout say.
TRIAL_FIELDS = (
    "kind", "percent", "replica_id", "error_percent", "refusals_count", "minimum_requests", "window_minutes",
    "promote_after_minutes",
)  # fmt: skip


def trial_values(trial: Trial) -> dict[str, Any]:
    """Return who gets a candidate, and by what it is undone or promoted."""
    return {name: getattr(trial, name) for name in TRIAL_FIELDS}


def open_rollout(gateway: Gateway) -> Rollout | None:
    """Return the rollout of a gateway that is under way."""
    open_ = Rollout.objects.filter(gateway=gateway, state=RolloutState.OPEN)
    return open_.select_related("stable", "candidate", "gateway__environment").first()


def rollout_undone(gateway: Gateway) -> Rollout | None:
    """Return the rollout that was undone last."""
    return Rollout.objects.filter(gateway=gateway, state=RolloutState.UNDONE).order_by("-ended_at").first()


def staging_of(gateway: Gateway) -> Staging:
    """Return what a save does on a gateway; not stored where nobody has said anything."""
    return Staging.objects.filter(gateway=gateway).first() or Staging(gateway=gateway)


def rollout_open(*, gateway: Gateway, stable: Revision, actor: Any, values: dict[str, Any]) -> Rollout:
    """Begin a rollout; its candidate is made with the next revision."""
    rollout = Rollout(gateway=gateway, stable=stable, actor_name=str(actor) if actor else "", **values)
    rollout.save_checked()
    return rollout


def rollout_close(*, rollout: Rollout, state: RolloutState, actor: Any, reason: str) -> None:
    """End a rollout. The next revision no longer has a candidate."""
    rollout.state, rollout.reason, rollout.ended_by = state, reason, str(actor)[:254]
    rollout.ended_at = timezone.now()
    rollout.save(update_fields=["state", "reason", "ended_by", "ended_at", "updated_at"])
