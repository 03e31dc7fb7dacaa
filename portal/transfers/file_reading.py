"""Declarative files as instances that should be, with everything in them that is wrong or is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway_runtime.declarative import (
    DEFAULT_NAMESPACE,
    FileFault,
    FilesRefused,
    Kind,
    Place,
    Reference,
    Resource,
    assemble_files,
    references,
)
from gateway_runtime.schema import document as schema
from portal.transfers.incoming import (
    Incoming,
    IncomingPolicy,
    IncomingRoute,
    IncomingTier,
    incoming_services,
    instance_words,
    ways_of,
)
from portal.transfers.listener_tls import tls_read
from portal.transfers.part_writing import ANNOTATION

Files = Sequence[tuple[str, bytes]]
_LEFT_OUT = {
    Kind.CONFIGURATION: "Settings of a gateway are not imported.",
    Kind.EXTENSION: "Definitions of policies are not imported.",
    Kind.CLIENT_APPLICATION: "Client applications belong to developers and are not imported.",
}


@dataclass(slots=True)
class ReadFiles:
    """What stands in files. With `faults` there are no instances."""

    instances: list[Incoming] = field(default_factory=list)
    faults: list[FileFault] = field(default_factory=list)
    notes: list[FileFault] = field(default_factory=list)


def variables_named(files: Files) -> list[Reference]:
    """Return every variable of the files once, with the first place that names it."""
    found: dict[str, Reference] = {}
    for each in references(files):
        found.setdefault(each.name, each)
    return list(found.values())


def files_read(files: Files, variables: Mapping[str, str]) -> ReadFiles:
    """Read files as a gateway does, with these variables."""
    try:
        resources, assembled = assemble_files(files, variables, for_portal=True)
    except FilesRefused as refused:
        return ReadFiles(faults=list(refused.faults))
    reading = _Reading(resources)
    read = ReadFiles(notes=[*assembled.notes, *reading.notes])
    read.instances = [reading.instance(api) for api in assembled.document.apis]
    return read


class _Reading:
    """The resources of one reading, by id."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._of = {kind: {each.id: each for each in resources if each.kind is kind} for kind in Kind}
        self.notes = [
            each.place.fault(_LEFT_OUT[each.kind], "left_out") for each in resources if each.kind in _LEFT_OUT
        ]
        self.notes += [
            each.named_at.fault("It acts on all of an environment and is not imported.", "left_out")
            for each in self._of[Kind.POLICY_BINDING].values()
            if _said(each, "automated")
        ]
        self._tiers = self._tiers_by_instance()

    def instance(self, part: schema.ApiInstance) -> Incoming:
        """Return an instance of the document as it should be in the portal."""
        resource = self._of[Kind.API_INSTANCE][part.id]
        services = self._of[Kind.SERVICE]
        names = {id: _said(each, "name") or _short(each, resource) for id, each in services.items()}
        said = {id: _said(each, "path") for id, each in services.items()}
        paths = {id: path.rstrip("/") for id, path in said.items() if path}
        places = {id: each.place for id, each in services.items()}
        found, ends = incoming_services(part, names, paths, places)
        return Incoming(
            api=_said(resource, "api") or resource.name,
            version=_said(resource, "version") or "v1",
            label=_said(resource, "label"),
            layer=_said(resource, "layer"),
            port=_port(part),
            base_path=part.base_path or "/",
            labels=dict(resource.labels),
            consumer_endpoint=_said(resource, "consumerEndpoint"),
            stopped=_said(resource, "status") == "stopped",
            settings=instance_words(part),
            services=found,
            routes=[self._route(route, names, ends, part) for route in part.routes],
            policies=[
                each
                for position, binding in enumerate(part.policies)
                if (each := self._policy(binding, part, position)) is not None
            ],
            tiers=self._tiers.get(resource.name),
            deprecation=part.deprecation,
            says_deprecation=True,
            listener_tls=tls_read(_said(resource, "listenerTls")),
            place=Place(resource.place.file, resource.place.lines),
        )

    def _route(
        self, route: schema.Route, names: Mapping[str, str], ends: Mapping[str, str], part: schema.ApiInstance
    ) -> IncomingRoute:
        resource = self._binding(route.id, part)
        return IncomingRoute(
            name=_said(resource, "name") or (route.name if route.rules else "all requests"),
            rules=[msgspec.to_builtins(rule) for rule in route.rules],
            ways=[(names[id], weight, path.removeprefix(ends[id])) for id, weight, path in ways_of(route)],
            place=resource.place,
        )

    def _policy(self, binding: schema.PolicyBinding, part: schema.ApiInstance, position: int) -> IncomingPolicy | None:
        resource = self._binding(binding.id, part)
        if _said(resource, "automated"):
            return None
        return IncomingPolicy(
            policy=binding.policy,
            config=binding.config,
            # Inline policies all have the same number: the list is their order.
            order=max(0, resource.spec.order + (position if resource.owner else 0)),
            mode=str(binding.mode),
            rules=[msgspec.to_builtins(rule) for rule in binding.rules],
            place=resource.place,
        )

    def _binding(self, id: str, part: schema.ApiInstance) -> Resource:
        return self._of[Kind.POLICY_BINDING][id.removeprefix(f"{part.id} ")]

    def _tiers_by_instance(self) -> dict[str, list[IncomingTier]]:
        found: dict[str, list[IncomingTier]] = {}
        for each in self._of[Kind.SLA_TIER].values():
            instance = _said(each, "instance")
            if not instance:
                note = f"It does not say whose tier it is: write the annotation {ANNOTATION}instance."
                self.notes.append(each.place.fault(note, "left_out"))
                continue
            found.setdefault(instance, []).append(
                IncomingTier(
                    name=_said(each, "name") or each.name,
                    limits=[_limit(limit) for limit in each.spec.limits],
                    description=_said(each, "description"),
                    approval=_said(each, "approval"),
                    place=each.place,
                )
            )
        return found


def _said(resource: Resource, name: str) -> Any:
    """Return what the portal has noted of a resource, an empty text without."""
    value = resource.annotations.get(f"{ANNOTATION}{name}", "")
    return value if isinstance(value, bool) else str(value or "")


def _short(service: Resource, instance: Resource) -> str:
    """Return the name of a service without that of the instance it was written in."""
    name = service.name if service.namespace == DEFAULT_NAMESPACE else service.id
    return name.removeprefix(f"{instance.name}-")[:80]


def _limit(limit: Any) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(limit).items() if value is not None}


def _port(part: schema.ApiInstance) -> int:
    return int(part.listener.rpartition(":")[2])
