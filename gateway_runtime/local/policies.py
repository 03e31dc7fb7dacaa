"""Which policy a binding means, whether it can work here, and whether its settings are right."""

from __future__ import annotations

import difflib
from typing import Any

from gateway_runtime.local.extensions import Extensions
from gateway_runtime.local.kinds import DEFAULT_NAMESPACE, PolicyBinding
from gateway_runtime.local.place import Place
from gateway_runtime.policies import registry
from gateway_runtime.policies.registry import SUFFIX, all_definitions, definition
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.policy import PolicyDefinition

# Read by other modules.
ELSEWHERE = frozenset({"route", "route-weighted", "tls"})
# These work on the way to a service, so they are bound to it.
OUTBOUND = frozenset({
    "tls-outbound",
})  # fmt: skip
# These are bound to a Service, or to an ApiInstance for all that it sends.
ON_EITHER = frozenset({
    "aws-request-signature", "circuit-breaker", "credential-injection-api-key", "credential-injection-basic-auth",
    "credential-injection-oauth2", "idle-timeout",
})  # fmt: skip


def plain_name(name: str) -> str:
    """Return the name of a policy without the ending that it has in files."""
    return name.removesuffix(SUFFIX)


def find_policy(binding: PolicyBinding, place: Place, extensions: Extensions, namespace: str) -> PolicyDefinition:
    """Return the policy that a binding on an ApiInstance means. Raises `FileFault`."""
    name = plain_name(binding.policy_ref.name)
    here = place.at("policyRef", "name")
    is_extension = _refuse_custom_code(binding, here, extensions, namespace)
    if name in OUTBOUND:
        raise here.fault(f"The policy “{name}” is bound to a Service, not to an ApiInstance.", "wrong_target")
    try:
        found = definition(binding.policy_ref.name)
    except ConfigFault:
        _refuse_misspelled(binding, here)
        # Routes are bound like policies, but have one spelling.
        message = f"There is no policy “{binding.policy_ref.name}”. Did you mean “{name}”?"
        raise here.fault(message, "unknown_policy") from None
    ref = binding.policy_ref.namespace
    if ref and ref != DEFAULT_NAMESPACE and not is_extension:
        message = f"The policies of the gateway are in the namespace “{DEFAULT_NAMESPACE}”, not in “{ref}”."
        raise place.at("policyRef", "namespace").fault(message, "unknown_policy")
    return found


def refuse_service_binding(binding: PolicyBinding, place: Place, extensions: Extensions, namespace: str) -> None:
    """Raise a `FileFault` where a policy does not work on a Service."""
    here = place.at("policyRef", "name")
    _refuse_custom_code(binding, here, extensions, namespace)
    name = plain_name(binding.policy_ref.name)
    if name not in OUTBOUND | ON_EITHER:
        _refuse_misspelled(binding, here)
        raise here.fault(f"The policy “{name}” is bound to an ApiInstance, not to a Service.", "wrong_target")


def _refuse_custom_code(binding: PolicyBinding, here: Place, extensions: Extensions, namespace: str) -> bool:
    """Tell whether a binding means an Extension whose code is installed. Raises `FileFault` for one in WASM."""
    name = binding.policy_ref.name
    if f"{binding.policy_ref.namespace or namespace}/{name}" not in extensions:
        return False
    if not extensions.is_installed(name):
        raise here.fault(
            f"“{name}” is a custom policy. Custom code (WASM) is not supported by this gateway: write the policy in "
            "Python and install it under this name.",
            "not_supported",
        )
    return True


def _refuse_misspelled(binding: PolicyBinding, here: Place) -> None:
    name = plain_name(binding.policy_ref.name)
    known = {n for d in all_definitions() for n in (d.name, *d.aliases)} | OUTBOUND | ELSEWHERE
    if name not in known:
        near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
        hint = f"Did you mean “{near[0]}”?" if near else f"Known are {', '.join(sorted(known))}."
        raise here.fault(f"There is no policy “{binding.policy_ref.name}”. {hint}", "unknown_policy")


def read_config(
    policy: PolicyDefinition, config: dict[str, Any] | None, place: Place, *, has_specifications: bool = False
) -> dict[str, Any]:
    """Return the settings for the document, checked. Raises `FileFault`."""
    given = dict(config or {})
    try:
        read = registry.read_config(policy, given)
    except ConfigFault as fault:
        raise place.config_fault(fault) from fault
    if policy.needs_specification is not None and policy.needs_specification(read) and not has_specifications:
        message = "API versions and their specifications are kept by the portal: use the source “inline” in local mode."
        raise place.at("source").fault(message, "not_in_local_mode")
    return given


def read_mode(binding: PolicyBinding, policy: PolicyDefinition | None, place: Place) -> Mode:
    """Return what a binding does with the traffic. `policy` is None for routes and TLS, which have no mode."""
    if binding.mode is None:
        return Mode.ENFORCE
    if policy is None:
        raise place.fault("Routes and TLS have no mode. Remove it.")
    if binding.mode is True:
        raise place.fault("Use “enforce”, “shadow” or “off”.")
    mode = binding.mode or Mode.OFF
    if mode is Mode.SHADOW and not policy.can_shadow:
        message = f"The policy “{policy.name}” cannot be in shadow mode: it has no verdict to record."
        raise place.fault(message, "shadow_not_possible")
    return mode
