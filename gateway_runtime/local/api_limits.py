"""Limits of one instance: what it says itself, and the documented policies that are nothing but a limit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec

from gateway_runtime.local.kinds import Form, InstanceLimits
from gateway_runtime.local.place import Place
from gateway_runtime.local.resources import Resource
from gateway_runtime.schema.limits import ApiLimits

# Which limit each policy sets, and its documented default in seconds.
TIMEOUT_POLICIES = {
    "response-timeout": ("response_seconds", 15.0),
    "stream-idle-timeout": ("stream_idle_seconds", 300.0),
}


class _Timeout(Form, frozen=True):
    timeout: Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None = None


class LimitsByApi:
    """The limits of each instance. Each of them is given once."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, float | int]] = {}
        self._set_at: dict[tuple[str, str], Place] = {}

    def read(self, api: Resource) -> None:
        """Take what an instance says itself. Raises `FileFault`."""
        given: InstanceLimits = api.spec.limits or InstanceLimits()
        for name, value in msgspec.structs.asdict(given).items():
            if value is not None:
                self._set(api, name, value, api.place.at("limits"))

    def bind(self, binding: Resource, policy: str, apis: Iterable[Resource]) -> None:
        """Take a policy for instances. Raises `FileFault`."""
        if binding.spec.rules:
            raise binding.place.at("rules").fault(f"The policy “{policy}” is for a whole API and cannot have rules.")
        name, default = TIMEOUT_POLICIES[policy]
        given: _Timeout = binding.place.at("config").convert(binding.spec.config or {}, _Timeout)
        for api in apis:
            self._set(api, name, given.timeout or default, binding.place)

    def of(self, api: Resource) -> ApiLimits:
        """Return the limits of an instance for the document."""
        return msgspec.convert(self._found.get(api.id, {}), ApiLimits)

    def _set(self, api: Resource, name: str, value: float, place: Place) -> None:
        first = self._set_at.setdefault((api.id, name), place)
        if first is not place:
            message = f"This limit of {api.title} is also set in {first.shown}. Keep one of them."
            raise place.fault(message, "duplicate_key")
        self._found.setdefault(api.id, {})[name] = value
