"""Every policy there is, by its documented names."""

import difflib
import os
from typing import Any

from gateway_runtime.expressions.settings import check_expression, check_expressions, expression_setting
from gateway_runtime.policies import (
    aws_request_signature,
    basic_authentication,
    circuit_breaker,
    client_id_enforcement,
    cors,
    credential_injection_api_key,
    credential_injection_basic,
    credential_injection_oauth2,
    dataweave_body_transformation,
    dataweave_headers_transformation,
    dataweave_request_filter,
    ext_authz,
    ext_proc,
    header_injection,
    header_removal,
    health_check,
    hmac_signature,
    http_caching,
    idle_timeout,
    ip_allowlist,
    ip_blocklist,
    json_threat_protection,
    jwt_validation,
    ldap_authentication,
    maintenance,
    message_logging,
    mock_response,
    oauth2_token_introspection,
    openidconnect_access_token_enforcement,
    rate_limiting,
    rate_limiting_sla_based,
    request_decompression,
    request_size_limit,
    response_compression,
    response_timeout,
    spec_validation,
    spike_control,
    stream_idle_timeout,
    tracing,
    xml_threat_protection,
)
from gateway_runtime.policies.custom import find_custom
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.policy import PolicyConfig, PolicyDefinition

# The same policies are documented with this ending in files and without it in the console.
SUFFIX = "-flex"

_DEFINITIONS: tuple[PolicyDefinition, ...] = (
    cors.DEFINITION,
    response_compression.DEFINITION,
    message_logging.DEFINITION,
    tracing.DEFINITION,
    ip_blocklist.DEFINITION,
    ip_allowlist.DEFINITION,
    request_size_limit.DEFINITION,
    maintenance.DEFINITION,
    basic_authentication.DEFINITION,
    ldap_authentication.DEFINITION,
    jwt_validation.DEFINITION,
    oauth2_token_introspection.DEFINITION,
    openidconnect_access_token_enforcement.DEFINITION,
    hmac_signature.DEFINITION,
    client_id_enforcement.DEFINITION,
    ext_authz.DEFINITION,
    spike_control.DEFINITION,
    rate_limiting.DEFINITION,
    rate_limiting_sla_based.DEFINITION,
    request_decompression.DEFINITION,
    json_threat_protection.DEFINITION,
    xml_threat_protection.DEFINITION,
    spec_validation.DEFINITION,
    dataweave_request_filter.DEFINITION,
    mock_response.DEFINITION,
    http_caching.DEFINITION,
    ext_proc.DEFINITION,
    dataweave_headers_transformation.DEFINITION,
    header_injection.DEFINITION,
    dataweave_body_transformation.DEFINITION,
    header_removal.DEFINITION,
    credential_injection_basic.DEFINITION,
    credential_injection_api_key.DEFINITION,
    credential_injection_oauth2.DEFINITION,
    aws_request_signature.DEFINITION,
    response_timeout.DEFINITION,
    stream_idle_timeout.DEFINITION,
    idle_timeout.DEFINITION,
    circuit_breaker.DEFINITION,
    health_check.DEFINITION,
)
# Those of the operator. Read once, when a process starts: every process of an installation sees the same ones.
_CUSTOM = find_custom(_DEFINITIONS, os.environ)
_BY_NAME = {name: d for d in (*_DEFINITIONS, *_CUSTOM.definitions) for name in (d.name, *d.aliases)}


def all_definitions() -> tuple[PolicyDefinition, ...]:
    """Return every policy in default order, custom ones among them."""
    return tuple(sorted({id(d): d for d in _BY_NAME.values()}.values(), key=lambda d: (d.default_order, d.name)))


def custom_definitions() -> tuple[PolicyDefinition, ...]:
    """Return the policies that the operator has installed."""
    return _CUSTOM.definitions


def custom_faults() -> tuple[str, ...]:
    """Return a sentence for every custom policy that is installed and cannot be used."""
    return _CUSTOM.faults


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
