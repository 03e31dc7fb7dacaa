"""What is noted until it is in a revision: what was changed, by whom, and what a held gateway keeps back."""

from typing import Any

from portal.core.remarks import remark_add
from portal.gateways.models import Gateway
from portal.publishing.models import Hold, HoldReason, PublishRequest, Revision, Rollout, RolloutKind

MESSAGE_LIMIT = 2000
SYSTEM = "Portico"


def request_locked(gateway: Gateway) -> PublishRequest:
    """Return the gateway's request under the lock that everything takes that decides on its next revision."""
    PublishRequest.objects.get_or_create(gateway=gateway)
    return PublishRequest.objects.select_for_update().get(gateway=gateway)


def note_waiting(hold: Hold, actor: Any, message: str) -> None:
    hold.waiting_message = joined_lines(hold.waiting_message, message)
    hold.waiting_actors = joined_names(hold.waiting_actors, actor)
    hold.save(update_fields=["waiting_message", "waiting_actors", "updated_at"])
    remark_add(
        f"{hold.gateway} is held on revision {hold.revision.number}: the change is saved and waits. "
        "The gateway's page shows what waits and publishes it.",
        code=f"change-waits gateway={hold.gateway_id}",
    )


def remark_staged(rollout: Rollout) -> None:
    """Say to whoever saved a change that some get it first."""
    first = f"one replica of {rollout.gateway} gets it first"
    if rollout.kind == RolloutKind.PERCENT:
        share = f"{rollout.percent:g} % of the requests of {rollout.gateway} get it first"
        first = f"{share}, and listeners and settings wait until it is promoted"
    remark_add(
        f"The change is saved and staged: {first}. The gateway's page compares the two, promotes it and undoes it.",
        code=f"change-staged gateway={rollout.gateway_id}",
    )


def joined_lines(known: str, added: str) -> str:
    return "\n".join(dict.fromkeys([*known.splitlines(), *added.splitlines()]))[:MESSAGE_LIMIT]


def joined_names(known: str, actor: Any) -> str:
    added = str(actor) if actor is not None else SYSTEM
    return ", ".join(dict.fromkeys(filter(None, [*known.split(", "), *added.split(", ")])))[:254]


def hold_begin(gateway: Gateway, revision: Revision, reason: HoldReason, actor: Any, request: PublishRequest) -> Hold:
    """Hold a gateway on its latest revision. What was noted and is not in a revision yet waits from now on."""
    hold = Hold.objects.filter(gateway=gateway).first() or Hold(gateway=gateway)
    hold.revision, hold.reason, hold.actor_name = revision, reason, str(actor)
    hold.waiting_message = joined_lines(hold.waiting_message, request.message)
    if request.actor_name:
        hold.waiting_actors = joined_names(hold.waiting_actors, request.actor_name)
    hold.save()
    request.message, request.actor_name, request.requested_at = "", "", None
    request.save(update_fields=["message", "actor_name", "requested_at"])
    return hold
