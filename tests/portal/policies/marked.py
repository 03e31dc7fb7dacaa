"""Settings of a policy whose secrets are told from everything else, so that one can look for them."""

import copy
from typing import Any

from gateway_runtime.policies.registry import read_config
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import PolicyDefinition

MARK = "Xq7Sesame"


def marked(policy: PolicyDefinition) -> dict[str, Any]:
    """Return settings like the example's whose secrets are nobody else's words, as far as the policy takes them."""
    config = copy.deepcopy(policy.example)
    for name in policy.secret_settings():
        given = config.get(name)
        for secret in (MARK, f"{given}{MARK}", MARK + 32 * "x", [MARK]):
            try:
                read_config(policy, config | {name: secret})
            except ConfigFault:
                continue
            config[name] = secret
            break
    return config
