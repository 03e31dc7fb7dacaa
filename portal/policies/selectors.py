"""Questions about policies: which there are, and which are applied."""

from typing import Any

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.schema.policy import Category, PolicyDefinition
from portal.apis.models import ApiInstance
from portal.policies.models import PolicyBinding


def policies_by_category(query: str = "") -> list[tuple[Category, list[PolicyDefinition]]]:
    """Return the policies in which every word of `query` occurs, by category; empty categories are left out."""
    words = query.lower().split()[:10]
    found = [policy for policy in all_definitions() if all(word in search_text(policy) for word in words)]
    grouped = [(category, [p for p in found if p.category is category]) for category in Category]
    return [(category, policies) for category, policies in grouped if policies]


def search_text(policy: PolicyDefinition) -> str:
    """Return what the search looks in."""
    return " ".join((policy.title, policy.name, policy.summary, policy.category, *policy.aliases)).lower()


def shadow_policies(instance: ApiInstance) -> list[str]:
    """Return the names of the policies that are tried out on an instance."""
    return list(instance.policies.filter(enabled=True, shadow=True).values_list("policy", flat=True))


def policy_applied(environment: Any) -> bool:
    """Tell whether any API instance of an environment has an enabled policy."""
    return PolicyBinding.objects.filter(instance__environment=environment, enabled=True).exists()
