"""What an instance is at a moment, by names instead of ids: so that two moments, or two instances, can be compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway_runtime.policies.registry import definition
from gateway_runtime.schema import document as schema
from gateway_runtime.schema.part import Part
from portal.apis.models import ApiInstance
from portal.core.setting_forms.secrets import MASK
from portal.publishing.api_parts import InstanceFault
from portal.publishing.builder import instance_part
from portal.transfers.incoming import ways_of

_SECRET_OF_SERVICE = ("tls", "key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not the same. Secrets are only told to be others."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class InstanceState:
    """Values by path. Those of `secrets` are never shown."""

    values: dict[str, Any]
    secrets: frozenset[str]

    def differences(self, after: "InstanceState") -> list[Difference]:
        """Return what is another in `after`, in order of the paths."""
        found = []
        for path in sorted({*self.values, *after.values}):
            old, new = self.values.get(path), after.values.get(path)
            if old != new:
                if path in self.secrets | after.secrets:
                    old, new = old and MASK, new and (f"{MASK} (new)" if old else MASK)
                found.append(Difference(path=path, before=_text(old), after=_text(new)))
        return found


NOTHING = InstanceState({}, frozenset())


def instance_state(instance: ApiInstance) -> InstanceState:
    """Return what an instance is now."""
    values: dict[str, Any] = {
        "version": str(instance.api_version),
        "label": instance.label,
        "gateway": instance.gateway.name,
        "port": instance.listener.port,
        "base path": instance.base_path,
        "consumer endpoint": instance.consumer_endpoint,
        "status": instance.status,
        **{f"label {name}": value for name, value in instance.labels.items()},
    }
    for tier in instance.tiers.all():
        values[f"tier {tier.name}"] = {"limits": tier.limits, "approval": tier.approval, "text": tier.description}
    secrets: set[str] = set()
    try:
        part = instance_part(instance)
    except InstanceFault as fault:
        values["cannot be published"] = str(fault)
    else:
        for path, value, is_secret in _of_part(part):
            values[path] = value
            if is_secret:
                secrets.add(path)
    return InstanceState({path: value for path, value in values.items() if value not in ("", None)}, frozenset(secrets))


def _of_part(part: schema.ApiInstance) -> Iterator[tuple[str, Any, bool]]:
    names = {service.id: service.name for service in part.services}
    for service in part.services:
        plain = _said(service)
        del plain["id"], plain["name"]
        yield from _flat(f"service {service.name}", plain, (_SECRET_OF_SERVICE,))
    for number, route in enumerate(part.routes, start=1):
        said: dict[str, Any] = {
            "name": route.name,
            "rules": [_said(rule) for rule in route.rules],
            "to": [f"{names[id]}{path}, weight {weight}" for id, weight, path in ways_of(route)],
        }
        yield from _flat(f"route {number}", said, ())
    for binding in part.policies:
        policy = definition(binding.policy)
        said = {
            "order": binding.order,
            "mode": str(binding.mode),
            "rules": [_said(rule) for rule in binding.rules],
            **binding.config,
        }
        yield from _flat(f"policy {policy.title}", said, tuple((name,) for name in policy.secret_settings()))
    rest = {"limits": part.limits, "access log": part.access_log, "deprecation": part.deprecation}
    for name, value in rest.items():
        if value is not None:
            yield from _flat(name, _said(value), ())


def _said(value: Any) -> Any:
    """Return what a part says as plain values, without what is as usual."""
    if isinstance(value, Part):
        fields = ((each, getattr(value, each.name)) for each in msgspec.structs.fields(value))
        return {each.name: _said(inner) for each, inner in fields if inner != _usual(each)}
    return [_said(each) for each in value] if isinstance(value, list | tuple) else value


def _usual(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def _flat(path: str, value: Any, secrets: tuple[tuple[str, ...], ...], at: tuple[str, ...] = ()) -> Iterator[Any]:
    """Yield every value with its path, and whether it is a secret; lists are one value."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(f"{path} · {name}", inner, secrets, (*at, name))
    elif value not in ({}, []) or not at:
        yield path, value, at in secrets


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
