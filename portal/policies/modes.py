"""Enforce, shadow or off: how a mode is read and kept."""

from typing import Any

from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.policy import PolicyDefinition
from portal.core.errors import ApplicationError
from portal.policies.models import AppliedPolicy


def modes_of(policy: PolicyDefinition) -> list[Mode]:
    """Return the modes a policy can be in: what can refuse no request has nothing to show in shadow."""
    return [mode for mode in Mode if mode is not Mode.SHADOW or policy.can_shadow]


def mode_set(policy: PolicyDefinition, applied: AppliedPolicy, *, mode: str | None, enabled: bool | None) -> None:
    """Take over a mode. `enabled` alone switches between off and the mode it was in. Does not save.

    Raises `ApplicationError` for a mode the policy cannot be in, and where the two contradict each other.
    """
    if mode is None:
        applied.enabled = applied.enabled if enabled is None else enabled
        return
    if mode not in modes_of(policy):
        known = ", ".join(modes_of(policy))
        raise _fault("mode_not_possible", f"{policy.title} has no mode “{mode}”. Use one of {known}.")
    if enabled is not None and enabled == (mode == Mode.OFF):
        raise _fault("mode_contradicts", "“enabled” and “mode” contradict each other. Give one of them.")
    applied.enabled = mode != Mode.OFF
    if applied.enabled:
        applied.shadow = mode == Mode.SHADOW


def _fault(code: str, sentence: str) -> Any:
    return ApplicationError(code, sentence, fields={"mode": sentence})
