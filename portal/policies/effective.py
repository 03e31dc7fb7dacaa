"""Which policies an API instance really has: the automated ones that match it, then its own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from portal.apis.models import ApiInstance
from portal.policies.models import AutomatedPolicy, PolicyBinding

# Automated policies act before those of an instance, whatever numbers these have.
BEFORE_OWN = 10_000_000


@dataclass(frozen=True, slots=True)
class Effective:
    """The policies of one instance. `set_aside` maps an own binding's id to the automated policy in its place."""

    automated: list[AutomatedPolicy] = field(default_factory=list)
    own: list[PolicyBinding] = field(default_factory=list)
    set_aside: dict[UUID, AutomatedPolicy] = field(default_factory=dict)

    def acting(self) -> list[PolicyBinding]:
        """Return the own policies that are not set aside."""
        return [binding for binding in self.own if binding.pk not in self.set_aside]


def matches(automated: AutomatedPolicy, instance: ApiInstance) -> bool:
    """Tell whether an instance has every label that an automated policy asks for."""
    return bool(automated.selector.items() <= instance.labels.items())


def effective_policies(
    instance: ApiInstance, automated: Iterable[AutomatedPolicy], own: Iterable[PolicyBinding]
) -> Effective:
    """Return what holds for an instance of what is switched on in its environment, and its own.

    Of several automated policies of one kind the first in order holds, and it takes the place of an own policy of that
    kind. One in shadow mode takes no place: what is only tried out must never loosen what is enforced.
    """
    holding: dict[tuple[str, bool], AutomatedPolicy] = {}
    for each in automated:
        if each.enabled and matches(each, instance):
            holding.setdefault((each.policy, each.shadow), each)
    bindings = list(own)
    set_aside = {b.pk: holding[b.policy, False] for b in bindings if (b.policy, False) in holding}
    return Effective(list(holding.values()), bindings, set_aside)


def policies_of(instance: ApiInstance) -> Effective:
    """Return the policies of one instance, in two queries."""
    automated = AutomatedPolicy.objects.filter(environment=instance.environment_id)
    return effective_policies(instance, automated, instance.policies.all())


def policy_of(instance: ApiInstance, policy: str) -> dict[str, Any] | None:
    """Return the plain settings with which a policy is in force on an instance, or None."""
    found = policies_of(instance)
    for each in (*found.automated, *found.acting()):
        if each.policy == policy and each.enabled:
            return dict(each.config)
    return None
