"""The order in which the policies of an instance act: as documented until somebody moves one, and CORS always first."""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import transaction

from gateway_runtime.policies.registry import answers_preflight
from portal.apis.models import ApiInstance
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
    bindings = in_order(binding.instance.policies.all())
    position = [other.pk for other in bindings].index(binding.pk) + (-1 if earlier else 1)
    if not _lowest(bindings) <= position < len(bindings) or answers_preflight(binding.policy):
        return binding
    return policy_place(actor=actor, binding=binding, position=position)


@transaction.atomic
def policy_place(*, actor: Any, binding: PolicyBinding, position: int) -> PolicyBinding:
    """Put a policy at a place among those of its instance, counted from 0. What is beyond an end means the end.

    Raises `ApplicationError` for CORS, which cannot be moved.
    """
    if answers_preflight(binding.policy):
        sentence = f"{policy_title(binding.policy)} always comes first and cannot be moved."
        raise ApplicationError("policy_always_first", sentence, fields={"position": sentence}, status=409)
    ApiInstance.objects.select_for_update().get(pk=binding.instance_id)
    before = in_order(binding.instance.policies.all())
    moved = next(other for other in before if other.pk == binding.pk)
    after = [other for other in before if other.pk != binding.pk]
    after.insert(max(_lowest(before), min(position, len(after))), moved)
    if after == before:
        return binding
    was = {"order": moved.order}
    _renumber(after, sorted(other.order for other in before))
    binding.refresh_from_db()
    message = f"Moved {policy_title(binding.policy)} of {binding.instance}"
    binding_changed(actor, "policy.move", binding, message, before=was, after={"order": binding.order})
    return binding


def _lowest(bindings: list[PolicyBinding]) -> int:
    return sum(answers_preflight(each.policy) for each in bindings)


def _renumber(bindings: list[PolicyBinding], orders: list[int]) -> None:
    """Give the numbers that are there to the policies in their new order."""
    for index in range(1, len(orders)):
        # Equal numbers would leave the order to the time of creation.
        orders[index] = max(orders[index], orders[index - 1] + 1)
    for other, order in zip(bindings, orders, strict=True):
        if other.order != order:
            other.order = order
            other.save(update_fields=["order", "updated_at"])
