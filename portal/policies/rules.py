"""The conditions of a binding: which requests meet the policy."""

from typing import Any

from gateway_runtime.schema.policy import PolicyDefinition
from portal.apis.rules import Rules, rule_fault, rules_checked


def binding_rules_checked(policy: PolicyDefinition, rules: Any) -> Rules:
    """Return conditions as they are stored. Raises `ApplicationError`, also where the policy can have none."""
    if rules and policy.whole_api:
        raise rule_fault("rules", f"{policy.title} is for a whole API and cannot have conditions.")
    return rules_checked(rules)
