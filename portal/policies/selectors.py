"""Questions about policies: which there are, and which are applied."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.schema.policy import Category, PolicyDefinition
from portal.apis.models import ApiInstance
from portal.policies.effective import policies_of
from portal.policies.models import AutomatedPolicy, PolicyBinding


def policies_by_category(query: str = "") -> list[tuple[Category, list[PolicyDefinition]]]:
    """Return the policies in which every word of `query` occurs, by category; empty categories are left out."""
    words = query.lower().split()[:10]
    found = [policy for policy in all_definitions() if all(word in search_text(policy) for word in words)]
    grouped = [(category, [p for p in found if p.category is category]) for category in Category]
    return [(category, policies) for category, policies in grouped if policies]


def choice_groups(query: str = "") -> list[tuple[Category, list[tuple[PolicyDefinition, str]]]]:
    """Return the policies by category, each with what the search looks in."""
    return [
        (category, [(policy, search_text(policy)) for policy in policies])
        for category, policies in policies_by_category(query)
    ]


def instances_selected(environment: Any, policies: Iterable[AutomatedPolicy]) -> dict[UUID, int]:
    """Return how many instances of an environment each automated policy selects, in one query."""
    labels = list(ApiInstance.objects.filter(environment=environment).values_list("labels", flat=True))
    return {each.pk: sum(each.selector.items() <= found.items() for found in labels) for each in policies}


def search_text(policy: PolicyDefinition) -> str:
    """Return what the search looks in."""
    return " ".join((policy.title, policy.name, policy.summary, policy.category, *policy.aliases)).lower()


def shadow_policies(instance: ApiInstance) -> list[str]:
    """Return the names of the policies that are tried out on an instance."""
    found = policies_of(instance)
    return sorted({each.policy for each in (*found.automated, *found.acting()) if each.enabled and each.shadow})


def policy_applied(environment: Any) -> bool:
    """Tell whether any API instance of an environment has an enabled policy, or all that match have one."""
    return (
        PolicyBinding.objects.filter(instance__environment=environment, enabled=True).exists()
        or AutomatedPolicy.objects.filter(environment=environment, enabled=True).exists()
    )
