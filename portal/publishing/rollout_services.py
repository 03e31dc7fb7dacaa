"""Staging: a candidate for some requests first, then promoted or undone, by people or by its budget.

What a rollout is lies in rows; the next revision is made from them, so whatever dies in between, the sweep goes on.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway
from portal.gateways.selectors import ConnectionState, replica_state
from portal.publishing.making import revision_next
from portal.publishing.models import (
    Hold,
    HoldReason,
    PublishRequest,
    Revision,
    Rollout,
    RolloutKind,
    RolloutState,
    Staging,
)
from portal.publishing.noting import SYSTEM, hold_begin, joined_lines, joined_names, request_locked
from portal.publishing.rollouts import TRIAL_FIELDS, open_rollout, rollout_close, rollout_open, trial_values
from portal.publishing.services import publish_request, publish_start
from portal.publishing.verdict import rollout_verdict


@transaction.atomic
def staging_update(*, gateway: Gateway, actor: Any, **values: Any) -> Staging:
    """Say what a save does on a gateway: publish at once, or stage first, and how."""
    staging = Staging.objects.select_for_update().filter(gateway=gateway).first() or Staging(gateway=gateway)
    before = _staging_state(staging)
    for name, value in values.items():
        setattr(staging, name, value)
    _check_replica(gateway, staging.kind, staging.replica_id)
    staging.save_checked()
    audit_record(actor=actor, action="staging.update", target=staging, before=before, after=_staging_state(staging))
    return staging


def _staging_state(staging: Staging) -> dict[str, Any]:
    return {"stage_changes": staging.stage_changes, **trial_values(staging)}


@transaction.atomic
def rollout_start(*, gateway: Gateway, actor: Any, **values: Any) -> Rollout:
    """Stage what waits on a held gateway: some requests get it first, all others go on with what runs."""
    request_locked(gateway)
    hold = Hold.objects.filter(gateway=gateway).first()
    if open_rollout(gateway) is not None:
        raise ApplicationError(
            "rollout_open", f"{gateway} has a staged change already. Promote or undo it.", status=409
        )
    if hold is None:
        raise ApplicationError(
            "nothing_waits",
            f"Nothing waits on {gateway}. Switch on “stage changes first” and change something: that is staged.",
            status=409,
        )
    _check_replica(gateway, values.get("kind", RolloutKind.PERCENT), values.get("replica_id", ""))
    stable = Revision.objects.filter(gateway=gateway).defer("envelope").order_by("-number")[0]
    rollout = rollout_open(gateway=gateway, stable=stable, actor=actor, values=values)
    message, people = hold.waiting_message or "Staged what waited", joined_names(hold.waiting_actors, actor)
    hold.delete()
    audit_record(
        actor=actor, action="rollout.start", target=rollout, after={"stable": stable.number, **trial_values(rollout)}
    )
    publish_request(gateway=gateway, actor=people, message=message, waits=False)
    return rollout


def _check_replica(gateway: Gateway, kind: str, replica_id: str) -> None:
    if kind != RolloutKind.REPLICA:
        return
    now = timezone.now()
    if not any(
        replica_state(replica, now) is ConnectionState.CONNECTED
        for replica in gateway.replicas.filter(replica_id=replica_id)
    ):
        text = "Choose a replica that is connected now."
        raise ApplicationError("replica_not_connected", text, fields={"replica_id": text})


@transaction.atomic
def rollout_update(*, rollout: Rollout, actor: Any, **values: Any) -> Rollout:
    """Give an open candidate to other requests, or judge it otherwise."""
    gateway = rollout.gateway
    request_locked(gateway)
    found = _still_open(rollout)
    before = trial_values(found)
    for name in TRIAL_FIELDS:
        if name in values:
            setattr(found, name, values[name])
    _check_replica(gateway, found.kind, found.replica_id)
    found.save_checked()
    audit_record(actor=actor, action="rollout.update", target=found, before=before, after=trial_values(found))
    publish_request(gateway=gateway, actor=actor, message="Changed who gets the candidate", waits=False)
    return found


@transaction.atomic
def rollout_promote(*, rollout: Rollout, actor: Any, candidate: int | None = None, reason: str = "") -> Revision:
    """Give the candidate to all requests. `candidate` is the number that was seen: another one is refused."""
    gateway = rollout.gateway
    request = request_locked(gateway)
    found = _still_open(rollout)
    if found.candidate is None or request.requested > request.published:
        text = "The last change is on its way into the candidate. Look at it, then promote it."
        raise ApplicationError("candidate_not_out", text, status=409)
    if candidate is not None and candidate != found.candidate.number:
        text = f"The candidate is revision {found.candidate.number} by now. Look at it, then promote it."
        raise ApplicationError("candidate_changed", text, status=409)
    number = found.candidate.number
    rollout_close(rollout=found, state=RolloutState.PROMOTED, actor=actor, reason=reason)
    text = joined_lines(f"Promoted revision {number}", found.message)
    revision = _next(request, message=text, people=joined_names(found.people, actor))
    audit_record(actor=actor, action="rollout.promote", target=found, after=_outcome(found, revision))
    return revision


@transaction.atomic
def rollout_undo(*, rollout: Rollout, actor: Any, reason: str = "") -> Revision:
    """Take the candidate back: all requests get what most had all the time, and the gateway is held on it."""
    gateway = rollout.gateway
    request = request_locked(gateway)
    found = _still_open(rollout)
    rollout_close(rollout=found, state=RolloutState.UNDONE, actor=actor, reason=reason)
    hold = hold_begin(gateway, found.stable, HoldReason.UNDONE, actor, request)
    hold.waiting_message = joined_lines(found.message, hold.waiting_message)
    hold.waiting_actors = joined_names(found.people or str(actor), hold.waiting_actors)
    hold.save(update_fields=["waiting_message", "waiting_actors", "updated_at"])
    number = found.candidate.number if found.candidate else ""
    revision = _next(request, message=joined_lines(f"Undid staged revision {number}", reason), people=str(actor))
    audit_record(actor=actor, action="rollout.undo", target=found, after=_outcome(found, revision))
    return revision


def _still_open(rollout: Rollout) -> Rollout:
    """Return the rollout as it is now. Raises `ApplicationError` where it has ended."""
    found = Rollout.objects.select_related("stable", "candidate").get(pk=rollout.pk)
    if found.state != RolloutState.OPEN:
        text = f"The staged change was {found.get_state_display().lower()} already, by {found.ended_by}."
        raise ApplicationError("rollout_ended", text, status=409)
    return found


def _next(request: PublishRequest, *, message: str, people: str) -> Revision:
    """Make the next revision at once, so that it needs nothing but to be sent."""
    request.message, request.actor_name, request.requested_at = message, people, timezone.now()
    latest = Revision.objects.filter(gateway=request.gateway_id).order_by("-number").first()
    revision = revision_next(request, latest, 0)
    publish_start(gateway_id=request.gateway_id)
    return revision


def _outcome(rollout: Rollout, revision: Revision) -> dict[str, Any]:
    number = rollout.candidate.number if rollout.candidate else None
    return {"candidate": number, "revision": revision.number, "reason": rollout.reason}


def rollouts_judge() -> None:
    """Undo what is over its budget, and promote what has been within it for long enough."""
    for rollout in Rollout.objects.filter(state=RolloutState.OPEN).select_related("candidate", "stable", "gateway"):
        verdict = rollout_verdict(rollout)
        if verdict is None:
            continue
        try:
            if verdict.promote:
                number = rollout.candidate.number if rollout.candidate else None
                rollout_promote(rollout=rollout, actor=SYSTEM, candidate=number, reason=verdict.reason)
            else:
                rollout_undo(rollout=rollout, actor=SYSTEM, reason=verdict.reason)
        except ApplicationError:
            # Somebody was faster, or a change is on its way into it: the next look decides.
            continue
