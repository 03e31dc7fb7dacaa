"""Where files name variables: asked before the files are read, since a variable that is not set is a fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.kinds import Kind
from gateway_runtime.local.place import Place
from gateway_runtime.local.reading import read_entries
from gateway_runtime.local.variables import variable_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One value that is a variable. `api` or `service`, and `policy`, are named where it is a setting of a policy."""

    name: str
    place: Place
    api: str = ""
    service: str = ""
    policy: str = ""
    setting: str = ""


def references(files: Iterable[tuple[str, bytes]]) -> list[Reference]:
    """Return every value that is a variable. A file that cannot be read has none here: reading it says why."""
    found: list[Reference] = []
    for name, content in files:
        try:
            entries = read_entries(name, content)
        except FileFault:
            continue
        for entry in entries:
            # The code of an extension is no place for variables.
            if isinstance(entry.value, Mapping) and entry.value.get("kind") != Kind.EXTENSION:
                found += _of(entry.value, entry.value.get("spec"), entry.place.at("spec"))
    return found


def _of(resource: Mapping[str, Any], value: Any, place: Place) -> Iterator[Reference]:
    if name := variable_name(value):
        yield _reference(resource, name, place)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _of(resource, inner, place.at(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _of(resource, inner, place.at(index))


def _reference(resource: Mapping[str, Any], name: str, place: Place) -> Reference:
    match resource, place.path:
        case {"kind": Kind.POLICY_BINDING, "spec": {"targetRef": dict(target), "policyRef": {"name": str(policy)}}}, (
            _,
            "config",
            *steps,
        ):
            said = {"policy": policy, "setting": ".".join(map(str, steps))}
            target_name = str(target.get("name") or "")
            if target.get("kind") == Kind.SERVICE:
                return Reference(name=name, place=place, service=target_name, **said)
            return Reference(name=name, place=place, api=target_name, **said)
        case {"kind": Kind.API_INSTANCE, "metadata": {"name": str(api)}, "spec": {"policies": list(policies)}}, (
            _,
            "policies",
            int(index),
            "config",
            str(setting),
        ):
            match policies[index]:
                case {"policyRef": {"name": str(policy)}}:
                    return Reference(name=name, place=place, api=api, policy=policy, setting=setting)
    return Reference(name=name, place=place)
