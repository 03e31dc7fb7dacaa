"""Limits of one instance, as it says them itself. Two documented policies that shape it may say others."""

from __future__ import annotations

import msgspec

from gateway_runtime.local.kinds import InstanceLimits
from gateway_runtime.local.resources import Resource
from gateway_runtime.schema.limits import ApiLimits


def limits_of(api: Resource) -> ApiLimits:
    """Return the limits of an instance for the document."""
    given: InstanceLimits = api.spec.limits or InstanceLimits()
    said = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not None}
    return msgspec.convert(said, ApiLimits)
