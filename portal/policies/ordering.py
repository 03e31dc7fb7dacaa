"""The order in which the policies of an instance act: as documented until somebody moves one, and CORS always first."""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import transaction

from gateway_runtime.policies.registry import answers_preflight
from portal.apis.models import ApiInstance
from portal.audit.undo import undoable
from portal.core import ordering
from portal.core.errors import ApplicationError
from portal.policies.models import AppliedPolicy, PolicyBinding
from portal.policies.services import binding_changed
from portal.policies.settings import policy_title

Applied = TypeVar("Applied", bound=AppliedPolicy)


def in_order(policies: Iterable[Applied]) -> list[Applied]:
    """Return policies as requests meet them. Browsers ask before they send credentials, so CORS comes first."""
    return sorted(policies, key=lambda each: (not answers_preflight(each.policy), each.order, each.created_at))


@transaction.atomic
def policy_move(*, actor: Any, binding: PolicyBinding, earlier: bool) -> PolicyBinding:
    """Let a policy act one place earlier or later in its instance; at the end nothing happens."""
    position = place_beside(binding.instance.policies.all(), binding, earlier=earlier)
    return binding if position is None else policy_place(actor=actor, binding=binding, position=position)


@undoable("policy_place")
@transaction.atomic
def policy_place(*, actor: Any, binding: PolicyBinding, position: int) -> PolicyBinding:
    """Put a policy at a place among those of its instance, counted from 0. What is beyond an end means the end.

    Raises `ApplicationError` for CORS, which cannot be moved.
    """
    ApiInstance.objects.select_for_update().get(pk=binding.instance_id)
    was = {"order": binding.order}
    if put(binding.instance.policies.all(), binding, position):
        message = f"Moved {policy_title(binding.policy)} of {binding.instance}"
        binding_changed(actor, "policy.move", binding, message, before=was, after={"order": binding.order})
    return binding


def place_beside(policies: Iterable[Applied], moved: Applied, *, earlier: bool) -> int | None:
    """Return the place before or after that of one of the policies, None where it cannot go there."""
    ordered = in_order(policies)
    return ordering.place_beside(ordered, moved, earlier=earlier, pinned=pinned(ordered))


def put(policies: Iterable[Applied], moved: Applied, position: int) -> bool:
    """Give one of the policies, and those that make room for it, the numbers of its place. Tell whether any changed.

    Raises `ApplicationError` for CORS, which cannot be moved.
    """
    if answers_preflight(moved.policy):
        sentence = f"{policy_title(moved.policy)} always comes first and cannot be moved."
        raise ApplicationError("policy_always_first", sentence, fields={"position": sentence}, status=409)
    ordered = in_order(policies)
    return ordering.put(ordered, moved, position, pinned=pinned(ordered))


def pinned(policies: Iterable[AppliedPolicy]) -> int:
    """Return how many come first whatever their number."""
    return sum(answers_preflight(each.policy) for each in policies)


def listed(policies: list[Applied]) -> list[ordering.Place[Applied]]:
    """Return policies in their order with what the console's list of them says of moving each."""
    return ordering.places(policies, pinned=pinned(policies))


def said_place(policies: list[Applied], moved: AppliedPolicy) -> str:
    """Return the sentence that tells the new place of a policy."""
    return ordering.said_place(policies, moved, policy_title(moved.policy))
