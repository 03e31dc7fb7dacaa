"""Changes of an instance's services and routes."""

from typing import Any

from django.db import transaction

from portal.apis.checks import implementation_url_fault, route_methods, route_path_fault
from portal.apis.models import ApiInstance, Route, Service
from portal.apis.services import instance_changed
from portal.audit.undo import undoable
from portal.core.errors import ApplicationError


@undoable("service")
@transaction.atomic
def service_create(*, actor: Any, instance: ApiInstance, name: str, url: str) -> Service:
    """Add a backend that routes can lead to."""
    _url_check(instance, url)
    if instance.services.filter(name__iexact=name.strip()).exists():
        sentence = f"{instance} already has a service named {name.strip()}. Choose another name."
        raise ApplicationError("service_name_taken", sentence, fields={"name": sentence}, status=409)
    service = Service(instance=instance, name=name.strip(), url=url.strip().rstrip("/"))
    service.save_checked()
    instance_changed(
        actor, instance, "service.create", f"Added service {service.name} to {instance}", after={"url": service.url}
    )
    return service


@undoable("service")
@transaction.atomic
def service_update(*, actor: Any, service: Service, url: str) -> Service:
    """Point a service to another address."""
    _url_check(service.instance, url)
    before, service.url = {"url": service.url}, url.strip().rstrip("/")
    service.save_checked()
    instance_changed(
        actor,
        service.instance,
        "service.update",
        f"Changed service {service.name} of {service.instance}",
        before=before,
        after={"url": service.url},
    )
    return service


@undoable("service")
@transaction.atomic
def service_delete(*, actor: Any, service: Service) -> None:
    """Remove a service that no route leads to any more."""
    names = [route.name for route in service.routes.all()[:5]]
    if names:
        raise ApplicationError(
            "service_in_use",
            f"{service.name} is still used by the routes {', '.join(names)}. Lead these elsewhere first.",
            status=409,
        )
    instance = service.instance
    instance_changed(
        actor, instance, "service.delete", f"Removed service {service.name} of {instance}", before={"url": service.url}
    )
    service.delete()


@undoable("route")
@transaction.atomic
def route_create(
    *,
    actor: Any,
    instance: ApiInstance,
    service: Service,
    name: str,
    path: str = "",
    methods: str = "",
    order: int = 50,
) -> Route:
    """Add a rule that leads some requests to a service."""
    route = Route(instance=instance)
    _fill(route, service=service, name=name, path=path, methods=methods, order=order)
    instance_changed(actor, instance, "route.create", f"Added route {name} to {instance}", after=_state(route))
    return route


@undoable("route")
@transaction.atomic
def route_update(
    *,
    actor: Any,
    route: Route,
    service: Service | None = None,
    name: str | None = None,
    path: str | None = None,
    methods: str | None = None,
    order: int | None = None,
) -> Route:
    """Change a route; what is None stays."""
    before = _state(route)
    _fill(
        route,
        service=service or route.service,
        name=route.name if name is None else name,
        path=route.path if path is None else path,
        methods=route.methods if methods is None else methods,
        order=route.order if order is None else order,
    )
    instance_changed(
        actor,
        route.instance,
        "route.update",
        f"Changed route {route.name} of {route.instance}",
        before=before,
        after=_state(route),
    )
    return route


@undoable("route")
@transaction.atomic
def route_delete(*, actor: Any, route: Route) -> None:
    """Remove a route; the last one stays, since an instance without any answers 404 to everything."""
    if route.instance.routes.count() == 1:
        raise ApplicationError(
            "route_last", "An API needs at least one route. Change this one, or stop the API.", status=409
        )
    instance_changed(
        actor,
        route.instance,
        "route.delete",
        f"Removed route {route.name} of {route.instance}",
        before=_state(route),
    )
    route.delete()


def _fill(route: Route, *, service: Service, name: str, path: str, methods: str, order: int) -> None:
    if service.instance_id != route.instance_id:
        sentence = "Choose a service of this API."
        raise ApplicationError("service_of_another_api", sentence, fields={"service": sentence})
    if fault := route_path_fault(path):
        raise ApplicationError("route_path_invalid", fault, fields={"path": fault})
    route.service, route.name, route.path, route.order = service, name.strip(), path, order
    route.methods = route_methods(methods)
    route.save_checked()


def _url_check(instance: ApiInstance, url: str) -> None:
    if fault := implementation_url_fault(url.strip(), instance.environment):
        raise ApplicationError("service_url_invalid", fault, fields={"url": fault})


def _state(route: Route) -> dict[str, Any]:
    return {
        "name": route.name,
        "service": route.service.name,
        "path": route.path,
        "methods": route.methods,
        "order": route.order,
    }
