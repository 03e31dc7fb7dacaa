"""API instances as one declarative file, which a gateway without a portal serves and a portal takes in again."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.schema import document as schema
from portal.apis.models import ApiInstance, InstanceStatus
from portal.core.errors import ApplicationError
from portal.policies.effective import effective_policies
from portal.policies.file_variables import Variable, Variables
from portal.policies.file_yaml import yaml_of
from portal.policies.models import AutomatedPolicy
from portal.policies.settings import policy_title
from portal.publishing.api_parts import InstanceFault
from portal.publishing.builder import instance_part
from portal.publishing.specifications import asks
from portal.transfers.listener_tls import tls_note, tls_said
from portal.transfers.part_writing import Written, resources_of, slug
from portal.transfers.tier_writing import application_resources, tier_resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A file, the variables that have to be set where it is used, and what somebody should know of it."""

    text: str
    variables: tuple[Variable, ...]
    notes: tuple[str, ...]


def exported_instances(queryset: Any) -> Any:
    """Return instances with everything that an export reads."""
    return (
        queryset.select_related("api_version__api", "gateway__environment", "listener", "environment__organization")
        .prefetch_related(
            "services", "routes__destinations", "policies", "tiers", "listener__certificates__certificate"
        )
        .order_by("api_version__api__name", "api_version__version", "label", "base_path", "pk")
    )


def instances_export(
    instances: Iterable[ApiInstance], *, tiers: bool = False, contracts: bool = False, automated: bool = False
) -> Exported:
    """Return instances as a file. `automated`: with the policies of their environment that act on them.

    Raises `ApplicationError` for one that cannot be published as it is.
    """
    variables, resources, notes = Variables(), [], []
    names = resource_names(instances)
    for instance in instances:
        name, acting = names[instance.pk], _automated(instance) if automated else []
        part = instance_document(instance, acting)
        resources += resources_of(part, listener_part(instance), _written(instance, name, acting), variables)
        if tiers:
            resources += tier_resources(instance, name)
        notes += _notes(instance, part)
    if contracts:
        resources += application_resources(names, variables, tiers=tiers)
    said = tuple(variables.all.values())
    return Exported(text=_head(said, notes) + yaml_of(resources), variables=said, notes=tuple(notes))


def resource_names(instances: Iterable[ApiInstance]) -> dict[Any, str]:
    """Return how each instance is named in a file, by id: no two alike."""
    names: dict[Any, str] = {}
    for instance in instances:
        name = slug(f"{instance.api_version} {instance.label}")
        if name in names.values():
            name = slug(f"{name} {instance.base_path}")
        while name in names.values():
            name = f"{name}-2"
        names[instance.pk] = name
    return names


def instance_document(instance: ApiInstance, automated: Iterable[AutomatedPolicy] = ()) -> schema.ApiInstance:
    """Return an instance as a gateway reads it. Raises `ApplicationError` where it cannot be published."""
    try:
        part = instance_part(instance, list(automated))
    except InstanceFault as fault:
        raise ApplicationError(
            "instance_not_publishable", f"{instance} cannot be exported as it is. {fault}", status=409
        ) from fault
    return part


def listener_part(instance: ApiInstance) -> schema.Listener:
    """Return where an instance listens, as a file can say it."""
    listener = instance.listener
    return schema.Listener(id=str(listener.pk), name=listener.name, port=listener.port, host=listener.host)


def _automated(instance: ApiInstance) -> list[AutomatedPolicy]:
    found = AutomatedPolicy.objects.filter(environment=instance.environment_id)
    return effective_policies(instance, found, ()).automated


def _written(instance: ApiInstance, name: str, automated: Iterable[AutomatedPolicy]) -> Written:
    return Written(
        name=name,
        title=str(instance),
        labels=instance.labels,
        annotations={
            "api": instance.api_version.api.name,
            "version": instance.api_version.version,
            "label": instance.label,
            "layer": instance.api_version.api.layer,
            "consumerEndpoint": instance.consumer_endpoint,
            "listenerTls": tls_said(instance),
            "status": "" if instance.status == InstanceStatus.ACTIVE else instance.status,
        },
        paths={str(each.pk): urlsplit(each.url).path.rstrip("/") for each in instance.services.all()},
        automated=frozenset(f"{each.pk} {instance.pk}" for each in automated),
    )


def _notes(instance: ApiInstance, part: schema.ApiInstance) -> list[str]:
    notes = []
    if instance.status != InstanceStatus.ACTIVE:
        notes.append(f"{instance} is stopped. A gateway without a portal serves it.")
    if note := tls_note(instance):
        notes.append(note)
    for binding in part.policies:
        policy = definition(binding.policy)
        if policy.needs_specification is not None and asks(policy, read_config(policy, binding.config)):
            notes.append(
                f"{policy_title(binding.policy)} of {instance} works by the specification in the catalog. A gateway "
                "without a portal needs the document in its settings."
            )
    return notes


def _head(variables: Iterable[Variable], notes: Iterable[str]) -> str:
    """Return what a person should know before the first resource, as comments."""
    lines = list(notes)
    said = [f"{each.name}: {each.about}" for each in variables]
    if said:
        lines += ["Secrets are left out. Set these variables where the file is used:", *said]
    # A name may hold line ends, and a comment must not end before its text does.
    return "".join(f"# {' '.join(line.split())}\n" for line in lines)
