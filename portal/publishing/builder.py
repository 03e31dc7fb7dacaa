"""From the tables to the document of one gateway. What is broken is fenced by name; the rest publishes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.conf import settings

from gateway_runtime.schema import document as schema
from gateway_runtime.schema.platform import PlatformAddress
from portal.apis.models import ApiInstance, InstanceStatus
from portal.apis.service_settings import DEFAULT_PORTS
from portal.gateways.models import Gateway
from portal.gateways.settings import document_settings
from portal.policies.models import AutomatedPolicy
from portal.publishing.api_parts import InstanceFault, active_instances, api_part
from portal.publishing.clients import clients_of
from portal.publishing.listeners import document_listeners, with_present_certificates
from portal.publishing.remembered import parts_of
from portal.publishing.specifications import Specifications

_DEFAULT_PORTS = {**DEFAULT_PORTS, "redis": 6379, "rediss": 6379}


@dataclass(frozen=True, slots=True)
class Built:
    """A document, and the instances it does not have as the console has them.

    `quarantined` maps an instance's id to `{"name", "reason", "kept"}`; `kept` tells that its last good form is there.
    """

    document: schema.Document
    quarantined: dict[str, dict[str, Any]] = field(default_factory=dict)


def build(gateway: Gateway, previous: schema.Document | None = None) -> Built:
    """Return the configuration of `gateway`. `previous` is where last good forms are taken from.

    The number of queries does not depend on how much there is.
    """
    last_good = {api.id: api for api in previous.apis if not api.quarantine} if previous else {}
    apis: list[schema.ApiInstance] = []
    quarantined: dict[str, dict[str, Any]] = {}
    for part, fault in parts_of(gateway):
        api = part
        if fault:
            good = last_good.get(part.id)
            if good is not None:
                api = msgspec.structs.replace(good, listener=part.listener, base_path=part.base_path)
            quarantined[api.id] = {"name": api.name, "reason": fault, "kept": not api.quarantine}
        apis.append(api)
    own = document_settings(gateway)
    log = own["access_log"]
    logged = [api if api.access_log is not None else msgspec.structs.replace(api, access_log=log) for api in apis]
    served = logged if log is not None else apis
    return Built(_document(gateway, document_listeners(gateway), served, own), quarantined)


def instance_document(instance: ApiInstance) -> schema.Document:
    """Return a document with nothing but one instance, as it is saved now. Raises `InstanceFault`."""
    gateway = instance.gateway
    automated = list(AutomatedPolicy.objects.filter(environment=gateway.environment_id, enabled=True))
    found = active_instances(gateway).filter(pk=instance.pk).first()
    if found is None:
        raise InstanceFault("It is stopped, so that its gateway does not serve it.")
    listeners = document_listeners(gateway)
    return document_of(gateway, listeners, [api_part(found, automated, Specifications(gateway, automated))])


def instance_part(instance: ApiInstance, automated: Sequence[AutomatedPolicy] = ()) -> schema.ApiInstance:
    """Return the part of the document that an instance is, also a stopped one and with policies that are off.

    Raises `InstanceFault` where it cannot be published as it is.
    """
    return api_part(instance, list(automated), Specifications(instance.gateway, list(automated)))


def document_of(
    gateway: Gateway,
    listeners: list[schema.Listener],
    apis: list[schema.ApiInstance],
    own: Mapping[str, Any] | None = None,
) -> schema.Document:
    """Return a document with these APIs, and with everything else as it is at this moment.

    `own` are the settings of the gateway where they are to be others than those of now.
    An API may have been taken out of service since: its contracts are there all the same. A certificate that was
    renewed since stays renewed.
    """
    listeners = with_present_certificates(gateway, listeners)
    served = {api.id for api in apis}
    others = ApiInstance.objects.filter(gateway=gateway).exclude(status=InstanceStatus.ACTIVE)
    retired = [pk for pk in others.values_list("pk", flat=True) if str(pk) in served]
    return _document(gateway, listeners, apis, document_settings(gateway) if own is None else own, retired)


def _document(
    gateway: Gateway,
    listeners: list[schema.Listener],
    apis: list[schema.ApiInstance],
    own: Mapping[str, Any],
    retired: Sequence[Any] = (),
) -> schema.Document:
    consumers, contracts, tiers = clients_of(gateway, retired)
    return schema.Document(
        gateway=str(gateway.pk),
        name=gateway.name,
        allow_private_targets=gateway.environment.allow_private_targets,
        listeners=listeners,
        platform_addresses=platform_addresses(),
        sampled_percent=gateway.sampled_percent,
        apis=apis,
        consumers=consumers,
        contracts=contracts,
        tiers=tiers,
        **own,
    )


def platform_addresses() -> list[PlatformAddress]:
    """Return where the portal and its Redis are: no API may stand for them."""
    found = []
    for each in dict.fromkeys((settings.PORTAL_URL, settings.REDIS_URL, settings.GATEWAY_REDIS_URL)):
        url = urlsplit(each)
        port = url.port or _DEFAULT_PORTS.get(url.scheme)
        if url.hostname and port:
            found.append(PlatformAddress(host=url.hostname, port=port))
    return found
