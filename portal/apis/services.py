"""Changes of API instances."""

from datetime import UTC
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.apis.checks import base_path_fault, implementation_url_fault, overlap_check, url_fault
from portal.apis.instance_settings import Settings, instance_settings_checked
from portal.apis.labels import Labels, labels_checked
from portal.apis.models import ApiInstance, Destination, InstanceStatus, Route, Service
from portal.apis.selectors import DEFAULT_SERVICE, instance_implementation_url
from portal.apis.service_settings import service_set
from portal.audit.services import audit_record
from portal.audit.undo import undoable
from portal.catalog.models import ApiVersion
from portal.catalog.services import NewApi, api_create_from
from portal.core.errors import ApplicationError
from portal.gateways.listener_services import listener_create
from portal.gateways.models import Gateway, Listener
from portal.gateways.ports import port_check
from portal.gateways.signals import gateway_configuration_changed
from portal.organizations.models import Environment

# After every route that somebody adds.
CATCH_ALL_ORDER = 1000


def instance_deploy(
    *,
    actor: Any,
    environment: Environment,
    gateway: Gateway,
    api: ApiVersion | NewApi,
    port: int,
    base_path: str,
    implementation_url: str,
    label: str = "",
    labels: Labels | None = None,
    consumer_endpoint: str = "",
    settings: Settings | None = None,
    service_settings: Settings | None = None,
) -> ApiInstance:
    """Manage an API version on a gateway and bring it there; all or nothing.

    A `NewApi` is added to the catalog with it, and a port without a listener gets one. `settings` are those of the
    instance, `service_settings` those of its service.
    """
    return _deploy(
        actor=actor,
        environment=environment,
        gateway=gateway,
        api=api.checked() if isinstance(api, NewApi) else api,
        port=port,
        base_path=base_path,
        implementation_url=implementation_url,
        label=label,
        labels=labels_checked(labels or {}),
        consumer_endpoint=consumer_endpoint,
        settings=instance_settings_checked({} if settings is None else settings),
        service_settings={} if service_settings is None else service_settings,
    )


@transaction.atomic
def _deploy(
    *,
    actor: Any,
    environment: Environment,
    gateway: Gateway,
    api: ApiVersion | NewApi,
    port: int,
    base_path: str,
    implementation_url: str,
    label: str,
    labels: Labels,
    consumer_endpoint: str,
    settings: Settings,
    service_settings: Settings,
) -> ApiInstance:
    implementation_url, consumer_endpoint = implementation_url.strip(), consumer_endpoint.strip()
    endpoint_check(
        environment=environment,
        gateway=gateway,
        port=port,
        base_path=base_path,
        implementation_url=implementation_url,
        consumer_endpoint=consumer_endpoint,
    )
    if isinstance(api, NewApi):
        api = api_create_from(actor=actor, organization=environment.organization, new=api)
    elif api.api.organization_id != environment.organization_id:
        sentence = f"Choose an API of {environment.organization.name}."
        raise ApplicationError("api_elsewhere", sentence, fields={"api_version": sentence})
    listener = _listener(actor, gateway, port)
    instance = ApiInstance(
        environment=environment,
        api_version=api,
        gateway=gateway,
        listener=listener,
        label=label.strip(),
        labels=labels,
        base_path=base_path,
        consumer_endpoint=consumer_endpoint,
        settings=settings,
    )
    overlap_check(name=str(instance), listener=listener, base_path=base_path)
    instance.save_checked()
    service = Service(instance=instance, name=DEFAULT_SERVICE)
    _service_set(service, implementation_url, service_settings)
    service.save_checked()
    route = Route(instance=instance, order=CATCH_ALL_ORDER)
    route.save_checked()
    Destination(route=route, service=service).save_checked()
    instance_changed(actor, instance, "instance.deploy", f"Deployed {instance} at {base_path}", after=_state(instance))
    return instance


@transaction.atomic
def endpoint_check(
    *,
    environment: Environment,
    gateway: Gateway,
    port: int,
    base_path: str,
    implementation_url: str,
    consumer_endpoint: str = "",
    settings: Settings | None = None,
    service_settings: Settings | None = None,
    besides: ApiInstance | None = None,
    name: str = "the new API",
) -> None:
    """Raise `ApplicationError` with a sentence for each field that cannot be taken. Changes nothing."""
    if gateway.environment_id != environment.pk:
        sentence = f"{gateway.name} is not a gateway of {environment.name}. Choose another gateway."
        raise ApplicationError("gateway_elsewhere", sentence, fields={"gateway": sentence})
    faults = {
        "base_path": base_path_fault(base_path),
        "implementation_url": implementation_url_fault(implementation_url.strip(), environment),
        "consumer_endpoint": url_fault(consumer_endpoint.strip()) if consumer_endpoint.strip() else "",
    }
    listener = gateway.listeners.filter(port=port).first()
    if listener is None:
        try:
            port_check(port, gateway=gateway)
        except ApplicationError as error:
            faults |= error.fields
    fields = {field: fault for field, fault in faults.items() if fault}
    if fields:
        raise ApplicationError("endpoint_invalid", "Some fields need another value.", fields=fields)
    if settings is not None:
        instance_settings_checked(settings)
    if service_settings is not None:
        _service_set(Service(instance=ApiInstance(environment=environment)), implementation_url, service_settings)
    if listener is not None:
        overlap_check(name=name, listener=listener, base_path=base_path, besides=besides)


@undoable("instance")
@transaction.atomic
def instance_update(
    *,
    actor: Any,
    instance: ApiInstance,
    api_version: ApiVersion | None = None,
    port: int | None = None,
    base_path: str | None = None,
    implementation_url: str | None = None,
    label: str | None = None,
    labels: Labels | None = None,
    consumer_endpoint: str | None = None,
    deprecated: bool | None = None,
    settings: Settings | None = None,
) -> ApiInstance:
    """Change an instance; what is None stays. It cannot move to another gateway or become another API."""
    before = _state(instance)
    if api_version is not None:
        if api_version.api_id != instance.api_version.api_id:
            sentence = f"Choose a version of {instance.api_version.api.name}. Deploy another API by itself."
            raise ApplicationError("version_of_another_api", sentence, fields={"api_version": sentence})
        instance.api_version = api_version
    if label is not None:
        instance.label = label.strip()
    if labels is not None:
        instance.labels = labels_checked(labels)
    if consumer_endpoint is not None:
        instance.consumer_endpoint = consumer_endpoint.strip()
    if deprecated is not None:
        _deprecated_set(instance, deprecated)
    if settings is not None:
        instance.settings = instance_settings_checked(settings)
    instance.base_path = instance.base_path if base_path is None else base_path
    implementation_url = (implementation_url or instance_implementation_url(instance)).strip()
    endpoint_check(
        environment=instance.environment,
        gateway=instance.gateway,
        port=port or instance.listener.port,
        base_path=instance.base_path,
        implementation_url=implementation_url,
        consumer_endpoint=instance.consumer_endpoint,
        besides=instance,
        name=str(instance),
    )
    instance.listener = _listener(actor, instance.gateway, port or instance.listener.port)
    instance.save_checked()
    service = instance.services.filter(name=DEFAULT_SERVICE).first() or instance.services.first()
    if service is not None and service.url != implementation_url.rstrip("/"):
        _service_set(service, implementation_url)
        service.save_checked()
    after = _state(instance)
    if after != before:
        instance_changed(actor, instance, "instance.update", f"Changed {instance}", before=before, after=after)
    return instance


@undoable("instance")
@transaction.atomic
def instance_stop(*, actor: Any, instance: ApiInstance) -> ApiInstance:
    """Take an instance off the gateway and keep all its settings."""
    return _switch(actor, instance, InstanceStatus.STOPPED, "instance.stop", f"Stopped {instance}")


@undoable("instance")
@transaction.atomic
def instance_start(*, actor: Any, instance: ApiInstance) -> ApiInstance:
    """Bring a stopped instance back to the gateway."""
    return _switch(actor, instance, InstanceStatus.ACTIVE, "instance.start", f"Started {instance}")


@transaction.atomic
def instance_delete(*, actor: Any, instance: ApiInstance) -> None:
    """Remove an instance with its routes, policies and contracts. The API stays in the catalog."""
    instance_changed(actor, instance, "instance.delete", f"Removed {instance}", before=_state(instance))
    instance.delete()


def instance_changed(
    actor: Any,
    instance: ApiInstance,
    action: str,
    message: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Record a change of an instance or its routes and ask for a new revision of its gateway."""
    audit_record(
        actor=actor,
        action=action,
        target=instance,
        message=message,
        before=before,
        after=after,
    )
    gateway_configuration_changed(gateway=instance.gateway, actor=actor, message=message)


def _switch(actor: Any, instance: ApiInstance, status: str, action: str, message: str) -> ApiInstance:
    if instance.status == status:
        return instance
    before = {"status": instance.status}
    instance.status = status
    instance.save_checked()
    instance_changed(actor, instance, action, message, before=before, after={"status": status})
    return instance


def _deprecated_set(instance: ApiInstance, deprecated: bool) -> None:
    """Switch a deprecation; `deprecation.instance_deprecate` says more about it."""
    if deprecated and not instance.deprecated:
        instance.deprecated_on = timezone.now().astimezone(UTC).date()
    elif not deprecated:
        instance.deprecated_on, instance.sunset_on, instance.successor = None, None, ""
    instance.deprecated = deprecated


def _listener(actor: Any, gateway: Gateway, port: int) -> Listener:
    return gateway.listeners.filter(port=port).first() or listener_create(actor=actor, gateway=gateway, port=port)


def _service_set(service: Service, implementation_url: str, settings: Settings | None = None) -> None:
    """Set the main service of an instance without saving it: its URL is a field of the instance's own form."""
    try:
        service_set(service, url=implementation_url, settings=settings)
    except ApplicationError as error:
        names = {"url": "implementation_url"}
        fields = {names.get(name, f"service_{name}"): sentence for name, sentence in error.fields.items()}
        raise ApplicationError(error.code, error.message, fields=fields, status=error.status) from error


def _state(instance: ApiInstance) -> dict[str, Any]:
    return {
        "api_version": str(instance.api_version),
        "gateway": instance.gateway.name,
        "port": instance.listener.port,
        "base_path": instance.base_path,
        "implementation_url": _main_url(instance),
        "label": instance.label,
        "labels": dict(instance.labels),
        "consumer_endpoint": instance.consumer_endpoint,
        "deprecated": instance.deprecated,
        "settings": dict(instance.settings),
        "status": instance.status,
    }


def _main_url(instance: ApiInstance) -> str:
    service = instance.services.filter(name=DEFAULT_SERVICE).first() or instance.services.first()
    return service.url if service is not None else ""
