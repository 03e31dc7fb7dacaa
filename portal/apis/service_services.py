"""Changes of an instance's services."""

from typing import Any

from django.db import transaction

from portal.apis.models import ApiInstance, Service
from portal.apis.service_settings import Settings, masked_settings, service_secrets, service_set
from portal.apis.services import instance_changed
from portal.audit.undo import undoable
from portal.core.errors import ApplicationError


@undoable("service")
@transaction.atomic
def service_create(
    *, actor: Any, instance: ApiInstance, name: str, url: str, settings: Settings | None = None
) -> Service:
    """Add a backend that routes can lead to."""
    service = Service(instance=instance)
    _rename(service, name)
    service_set(service, url=url, settings={} if settings is None else settings)
    service.save_checked()
    message = f"Added service {service.name} to {instance}"
    instance_changed(actor, instance, "service.create", message, after=_state(service))
    return service


@undoable("service")
@transaction.atomic
def service_update(
    *,
    actor: Any,
    service: Service,
    name: str | None = None,
    url: str | None = None,
    settings: Settings | None = None,
) -> Service:
    """Change a service; what is None stays. `settings` replaces all of them, but secrets left empty are kept."""
    service = Service.objects.select_for_update().select_related("instance__environment").get(pk=service.pk)
    before, old = _state(service), service_secrets(service)
    if name is not None:
        _rename(service, name)
    service_set(service, url=service.url if url is None else url, settings=settings)
    after = _state(service)
    if service_secrets(service) != old:
        # The audit trail sees that a secret was changed, and not to what.
        after["secrets"] = "changed"
    if after == before:
        return service
    service.save_checked()
    message = f"Changed service {service.name} of {service.instance}"
    instance_changed(actor, service.instance, "service.update", message, before=before, after=after)
    return service


@undoable("service")
@transaction.atomic
def service_delete(*, actor: Any, service: Service) -> None:
    """Remove a service that no route leads to any more."""
    names = list(service.destinations.values_list("route__name", flat=True).distinct()[:5])
    if names:
        raise ApplicationError(
            "service_in_use",
            f"{service.name} is still used by the routes {', '.join(names)}. Lead these elsewhere first.",
            status=409,
        )
    instance = service.instance
    message = f"Removed service {service.name} of {instance}"
    instance_changed(actor, instance, "service.delete", message, before=_state(service))
    service.delete()


def _rename(service: Service, name: str) -> None:
    name = name.strip()
    if service.instance.services.filter(name__iexact=name).exclude(pk=service.pk).exists():
        sentence = f"{service.instance} already has a service named {name}. Choose another name."
        raise ApplicationError("service_name_taken", sentence, fields={"name": sentence}, status=409)
    service.name = name


def _state(service: Service) -> dict[str, Any]:
    return {"name": service.name, "url": service.url, "settings": masked_settings(service)}
