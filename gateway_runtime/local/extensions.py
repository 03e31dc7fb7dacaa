"""Extensions: custom policies as files define them. Their WASM code is not run; one in Python takes its place."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.kinds import Extension
from gateway_runtime.local.place import Place
from gateway_runtime.local.resources import Resource
from gateway_runtime.policies.registry import SUFFIX, custom_definitions

# Parents that come with Flex Gateway; categories begin with the last one.
PARENTS = ("extension-definition", "envoy-filter", "proxy-wasm-filter")
CATEGORY = "extension-"
CODE = "base64://"
# What a setting may be (JSON schema), and which values of YAML that is.
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "array": (list,),
    "object": (dict,), "null": (type(None),),
}  # fmt: skip


class Extensions:
    """All of them. `faults` has what is wrong with one, `notes` what nothing is made of."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._known = {resource.id: resource for resource in resources}
        self._installed = {name for each in custom_definitions() for name in (each.name, *each.aliases)}
        self.faults: list[FileFault] = []
        self.notes: list[FileFault] = []

    def __contains__(self, id: str) -> bool:
        return id in self._known

    def check(self) -> None:
        """Look at every one."""
        for resource in self._known.values():
            try:
                self._check(resource)
            except FileFault as fault:
                self.faults.append(fault)

    def is_installed(self, name: str) -> bool:
        """Tell whether a policy in Python has the name of an Extension."""
        return name in self._installed or name.removesuffix(SUFFIX) in self._installed

    def _check(self, resource: Resource) -> None:
        spec: Extension = resource.spec
        place = resource.place
        for index, parent in enumerate(spec.extends or ()):
            id = f"{parent.namespace or resource.namespace}/{parent.name}"
            if id not in self._known and not parent.name.startswith((*PARENTS, CATEGORY)):
                here = place.at("extends", index, "name")
                self.notes.append(here.fault(f"There is no Extension “{parent.name}” here.", "without_effect"))
        if resource in self._ancestors(resource):
            raise place.at("extends").fault("It extends itself.")
        for name, definition in (spec.properties or {}).items():
            _check_property(definition, place.at("properties", name))
        family = (resource, *self._ancestors(resource))
        known = {name for each in family for name in each.spec.properties or ()}
        for index, name in enumerate(spec.required or ()):
            if name not in known:
                message = f"“{name}” is not among the properties."
                raise place.at("required", index).fault(message, "unknown_setting")
        if spec.implementation:
            _check_code(spec.implementation, place.at("implementation"))
            if not self.is_installed(resource.name):
                message = "Custom code (WASM) is not supported by this gateway: this definition is not used."
                self.notes.append(place.fault(message, "without_effect"))

    def _ancestors(self, resource: Resource) -> list[Resource]:
        """Return what it extends, directly or not, as far as it is here: itself too where that is a circle."""
        found: dict[str, Resource] = {}
        waiting = [resource]
        while waiting:
            for parent in self._parents(waiting.pop()):
                if parent.id not in found:
                    found[parent.id] = parent
                    waiting.append(parent)
        return list(found.values())

    def _parents(self, resource: Resource) -> Iterator[Resource]:
        for parent in resource.spec.extends or ():
            found = self._known.get(f"{parent.namespace or resource.namespace}/{parent.name}")
            if found is not None:
                yield found


def _check_property(definition: Any, place: Place) -> None:
    """Check the definition of one setting. Words of JSON schema that say nothing about its form are let be.

    There is one type, or a list of those that are possible.
    """
    if not isinstance(definition, Mapping):
        raise place.fault("Write a map with the type of this setting.")
    kind = definition.get("type")
    if kind is None:
        raise place.at("type").fault("This setting is required.", "required")
    kinds = kind if isinstance(kind, list) and kind else [kind]
    for each in kinds:
        if not (isinstance(each, str) and each in TYPES):
            message = f"“{each}” is not a type. Known are {', '.join(TYPES)}."
            raise place.at("type").fault(message)
    if "default" in definition and not any(_is(definition["default"], each) for each in kinds):
        raise place.at("default").fault(f"The default is not of the type {' or '.join(kinds)}.")
    if "items" in definition:
        _check_property(definition["items"], place.at("items"))
    inner = definition.get("properties") or {}
    if not isinstance(inner, Mapping):
        raise place.at("properties").fault("Write a map with a setting under each name.")
    for name, each in inner.items():
        _check_property(each, place.at("properties", name))


def _is(value: Any, kind: str) -> bool:
    # YAML's booleans are numbers in Python.
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _check_code(code: str, place: Place) -> None:
    try:
        found = base64.b64decode(code.removeprefix(CODE), validate=True) if code.startswith(CODE) else b""
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise place.fault(f"Write the code in base64, with “{CODE}” in front.")
