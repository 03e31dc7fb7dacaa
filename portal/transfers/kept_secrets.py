"""Secrets that an import need not be given, because the environment has them: they stay where they are."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from gateway_runtime.declarative import FileFault, Kind, Reference, read_entries
from gateway_runtime.policies.registry import definition
from gateway_runtime.schema.faults import ConfigFault
from portal.apis.models import ApiInstance
from portal.apis.service_settings import service_secrets
from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway
from portal.policies.settings import secret_settings
from portal.transfers.file_reading import Files, variables_named
from portal.transfers.incoming import Incoming
from portal.transfers.matching import target_of
from portal.transfers.part_writing import ANNOTATION

_TLS_KEY = "certificate.key"


def kept_secrets(gateway: Gateway, files: Files) -> dict[str, str]:
    """Return the variables of files that stand for a secret which the instance has already."""
    resources = list(_resources(files))
    targets = {name: found for name, each in _instances(resources) if (found := _target(each, gateway)) is not None}
    services = {_name(each): _annotation(each, "name") for each in resources if each.get("kind") == Kind.SERVICE}
    kept = {}
    for reference in variables_named(files):
        value = _of_policy(reference, targets) or _of_service(reference, targets, services)
        if value:
            kept[reference.name] = value
    return kept


def _of_policy(reference: Reference, targets: Mapping[str, ApiInstance]) -> str:
    target = targets.get(reference.api)
    if target is None:
        return ""
    try:
        policy = definition(reference.policy).name
    except ConfigFault:
        return ""
    binding = target.policies.filter(policy=policy).first()
    value = secret_settings(binding).get(reference.setting) if binding is not None else None
    return value if isinstance(value, str) else ""


def _of_service(reference: Reference, targets: Mapping[str, ApiInstance], services: Mapping[str, str]) -> str:
    if reference.setting != _TLS_KEY or reference.service not in services:
        return ""
    # Services are named after their instance; of two such names the longer one is meant.
    names = sorted((name for name in targets if reference.service.startswith(f"{name}-")), key=len)
    service = targets[names[-1]].services.filter(name=services[reference.service]).first() if names else None
    return str(service_secrets(service).get("tls.key", "")) if service is not None else ""


def _resources(files: Files) -> Iterator[dict[str, Any]]:
    for name, content in files:
        try:
            entries = read_entries(name, content)
        except FileFault:
            continue
        yield from (entry.value for entry in entries if isinstance(entry.value, dict))


def _instances(resources: list[dict[str, Any]]) -> Iterator[tuple[str, Incoming]]:
    """Yield name and identity of each instance, as far as they can be read before variables are known."""
    for each in resources:
        spec = each.get("spec")
        if each.get("kind") != Kind.API_INSTANCE or not isinstance(spec, dict):
            continue
        try:
            parts = urlsplit(str(spec.get("address")))
            port = parts.port or 80
        except ValueError:
            continue
        name = _name(each)
        yield (
            name,
            Incoming(
                api=_annotation(each, "api") or name,
                version=_annotation(each, "version") or "v1",
                label=_annotation(each, "label"),
                port=port,
                base_path=parts.path.rstrip("/") or "/",
            ),
        )


def _target(incoming: Incoming, gateway: Gateway) -> ApiInstance | None:
    try:
        return target_of(incoming, gateway)
    except ApplicationError:
        return None


def _metadata(resource: Mapping[str, Any]) -> dict[str, Any]:
    metadata = resource.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _name(resource: Mapping[str, Any]) -> str:
    return str(_metadata(resource).get("name") or "")


def _annotation(resource: Mapping[str, Any], name: str) -> str:
    annotations = _metadata(resource).get("annotations")
    return str(annotations.get(f"{ANNOTATION}{name}") or "") if isinstance(annotations, dict) else ""
