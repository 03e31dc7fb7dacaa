"""What `manage.py check` says of custom policies."""

from typing import Any

from django.core.checks import CheckMessage, Error

from gateway_runtime.policies.registry import custom_faults


def check_custom_policies(**more: Any) -> list[CheckMessage]:
    """Return an error for every custom policy that is installed and cannot be used."""
    hint = "Mend it, or take it out of PORTICO_POLICIES. `portico policy check` says the same."
    return [Error(fault, hint=hint, id="policies.E001") for fault in custom_faults()]
