"""Every policy there is, by its documented names."""

import difflib
from typing import Any

from gateway_runtime.expressions.settings import check_expression, check_expressions, expression_setting
from gateway_runtime.policies import (
    basic_authentication,
    client_id_enforcement,
    cors,
    credential_injection_api_key,
    credential_injection_basic,
    header_injection,
    header_removal,
    ip_allowlist,
    ip_blocklist,
    jwt_validation,
    maintenance,
    message_logging,
    rate_limiting,
    rate_limiting_sla_based,
    spike_control,
)
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.policy import PolicyConfig, PolicyDefinition

# The same policies are documented with this ending in files and without it in the console.
SUFFIX = "-flex"

_DEFINITIONS: tuple[PolicyDefinition, ...] = (
    cors.DEFINITION,
    message_logging.DEFINITION,
    ip_blocklist.DEFINITION,
    ip_allowlist.DEFINITION,
    maintenance.DEFINITION,
    basic_authentication.DEFINITION,
    jwt_validation.DEFINITION,
    client_id_enforcement.DEFINITION,
    spike_control.DEFINITION,
    rate_limiting.DEFINITION,
    rate_limiting_sla_based.DEFINITION,
    header_injection.DEFINITION,
    header_removal.DEFINITION,
    credential_injection_basic.DEFINITION,
    credential_injection_api_key.DEFINITION,
)
_BY_NAME = {name: d for d in _DEFINITIONS for name in (d.name, *d.aliases)}


def all_definitions() -> tuple[PolicyDefinition, ...]:
    """Return every policy in default order."""
    return tuple(sorted(_DEFINITIONS, key=lambda d: (d.default_order, d.name)))


def definition(name: str) -> PolicyDefinition:
    """Return the policy with this name or alias, with or without `-flex`. Raises `ConfigFault`."""
    found = _BY_NAME.get(name) or _BY_NAME.get(name.removesuffix(SUFFIX))
    if found is None:
        near = difflib.get_close_matches(name.removesuffix(SUFFIX), _BY_NAME, n=1, cutoff=0.5)
        hint = f" Did you mean “{_BY_NAME[near[0]].name}”?" if near else ""
        raise ConfigFault("policy", "unknown_policy", f"There is no policy “{name}”.{hint}")
    return found


def answers_preflight(name: str) -> bool:
    """Tell whether the policy with this name comes before all others; see `PolicyDefinition`."""
    found = _BY_NAME.get(name) or _BY_NAME.get(name.removesuffix(SUFFIX))
    return found is not None and found.answers_preflight


def read_config(policy: PolicyDefinition, config: Any) -> PolicyConfig:
    """Decode a policy's settings and check their expressions: the one way for form, REST, file and compiler.

    Raises `ConfigFault`.
    """
    read: PolicyConfig = convert(config, policy.config)
    check_expressions(read)
    return read


def check_setting(policy: PolicyDefinition, path: str, source: str) -> None:
    """Check one expression while it is being written. Raises `ConfigFault`, also where no expression is taken."""
    takes = expression_setting(policy.config, path)
    if takes is None:
        raise ConfigFault(path, "unknown_setting", f"“{path}” of {policy.title} takes no expression.")
    check_expression(takes, source, path)
