"""One YAML document to one resource: its kind, its name and its checked `spec`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway_runtime.local.client_secrets import keep_digests, masked
from gateway_runtime.local.configuration_kind import Configuration
from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.kinds import (
    API_VERSIONS,
    DEFAULT_NAMESPACE,
    SPECS,
    ApiInstance,
    ClientApplication,
    Envelope,
    Form,
    InlinePolicy,
    InlineService,
    Kind,
    Name,
)
from gateway_runtime.local.place import Place
from gateway_runtime.local.reading import Entry
from gateway_runtime.local.spelling import usual_spelling
from gateway_runtime.local.variables import substitute


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of any kind. `written` is its `spec` before variables were replaced, `place` where that stands.
    Neither holds the secrets of a client application. `annotations` are notes of other programs, such as the portal.

    `owner` is the ApiInstance that a generated resource was written in.
    """

    kind: Kind
    name: str
    namespace: str
    spec: Any
    place: Place
    labels: Mapping[str, str]
    written: Mapping[str, Any]
    api_version: str = API_VERSIONS[0]
    owner: str = ""
    annotations: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return what this resource is called among all of its kind."""
        return f"{self.namespace}/{self.name}"

    @property
    def title(self) -> str:
        """Return its name as one would say it."""
        return self.name if self.namespace == DEFAULT_NAMESPACE else self.id

    @property
    def named_at(self) -> Place:
        """Return where its name stands; for a generated one, what it was generated from."""
        return self.place if self.owner else Place(self.place.file, self.place.lines, ("metadata", "name"))


def read_resource(entry: Entry, environment: Mapping[str, str]) -> Resource:
    """Decode and check one document. Raises `FileFault`."""
    envelope: Envelope = entry.place.convert(entry.value, Envelope)
    if envelope.api_version not in API_VERSIONS:
        raise entry.place.at("apiVersion").fault(
            f"“{envelope.api_version}” is not an API version that is known here. Use {' or '.join(API_VERSIONS)}.",
            "unknown_api_version",
        )
    kind = _kind(envelope.kind, entry.place.at("kind"))
    place = entry.place.at("spec")
    if envelope.spec is None:
        raise place.fault("This setting is required.", "required")
    spec = envelope.spec
    if kind is not Kind.EXTENSION:
        # The code of an extension is no place for variables.
        spec = substitute(spec, environment, place)
    return Resource(
        kind=kind,
        name=envelope.metadata.name,
        namespace=envelope.metadata.namespace or DEFAULT_NAMESPACE,
        spec=_spec(kind, spec, place),
        place=place,
        labels=envelope.metadata.labels or {},
        written=masked(envelope.spec) if kind is Kind.CLIENT_APPLICATION else envelope.spec,
        api_version=envelope.api_version,
        annotations=envelope.metadata.annotations or {},
    )


def _kind(name: str, place: Place) -> Kind:
    try:
        return Kind(name)
    except ValueError:
        near = difflib.get_close_matches(name, [*Kind], n=1, cutoff=0.5)
        hint = f"Did you mean “{near[0]}”?" if near else f"Known are {', '.join(Kind)}."
        raise place.fault(f"There is no kind “{name}”. {hint}", "unknown_kind") from None


def _spec(kind: Kind, spec: dict[str, Any], place: Place) -> Form:
    if kind is Kind.CONFIGURATION:
        return place.convert(usual_spelling(spec, Configuration), Configuration)
    decoded = place.convert(spec, SPECS[kind])
    if isinstance(decoded, ApiInstance):
        return _with_parts(decoded, place)
    if isinstance(decoded, ClientApplication):
        return keep_digests(decoded, place)
    return decoded


def _with_parts(spec: ApiInstance, place: Place) -> ApiInstance:
    """Decode what stands inside an ApiInstance, each part at its own place."""
    services = {}
    for name, service in (spec.services or {}).items():
        here = place.at("services", name)
        # It becomes part of the name of a Service.
        here.convert(name, Name)
        services[name] = here.convert(service, InlineService)
    policies = []
    for index, policy in enumerate(spec.policies or ()):
        if isinstance(policy, dict) and "order" in policy:
            raise place.at("policies", index, "order").fault(
                "Inline policies run in the order of the list. Use a PolicyBinding to give an order.", "unknown_setting"
            )
        policies.append(place.at("policies", index).convert(policy, InlinePolicy))
    return ApiInstance(
        address=spec.address,
        limits=spec.limits,
        services=services,
        policies=policies,
        access_log=spec.access_log,
        deprecation=spec.deprecation,
    )


def refuse_duplicates(resources: Iterable[Resource]) -> list[FileFault]:
    """Return a fault for each resource whose kind and name were there before."""
    seen: dict[tuple[Kind, str], Resource] = {}
    faults = []
    for resource in resources:
        first = seen.setdefault((resource.kind, resource.id), resource)
        if first is not resource:
            generated = f" (generated for “{resource.owner}”)" if resource.owner else ""
            also = first.named_at.shown
            faults.append(
                resource.named_at.fault(
                    f"The {resource.kind} “{resource.title}”{generated} is there twice: also in {also}.",
                    "duplicate_resource",
                )
            )
    return faults
