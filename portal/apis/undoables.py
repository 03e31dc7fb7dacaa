"""What of API instances, their routes and services can be taken back."""

from datetime import date
from typing import Any

from portal.apis.deprecation import instance_deprecate, instance_undeprecate
from portal.apis.models import ApiInstance, InstanceStatus, Route, Service
from portal.apis.route_services import Way, route_create, route_delete, route_place, route_update
from portal.apis.selectors import instance_implementation_url
from portal.apis.service_services import service_create, service_delete, service_update
from portal.apis.service_settings import service_secrets
from portal.apis.services import instance_start, instance_stop, instance_update
from portal.audit.undo import Thing, register, still_there
from portal.catalog.models import ApiVersion
from portal.core.setting_forms.secrets import joined

SETTINGS = ("base_path", "label", "labels", "consumer_endpoint", "deprecated", "settings")


def _instance(instance: ApiInstance) -> dict[str, Any]:
    return {
        **{name: getattr(instance, name) for name in SETTINGS},
        "api_version": instance.api_version_id,
        "port": instance.listener.port,
        "implementation_url": instance_implementation_url(instance),
        "status": instance.status,
    }


def _bring_back(actor: Any, instance: ApiInstance, state: dict[str, Any]) -> None:
    settings = dict(state)
    status = settings.pop("status")
    if status != instance.status:
        switch = instance_start if status == InstanceStatus.ACTIVE else instance_stop
        switch(actor=actor, instance=instance)
    else:
        settings["api_version"] = still_there(ApiVersion, settings["api_version"])
        instance_update(actor=actor, instance=instance, **settings)


def _deprecation(instance: ApiInstance) -> dict[str, Any]:
    return {
        "deprecated": instance.deprecated,
        "since": instance.deprecated_on,
        "sunset": instance.sunset_on,
        "successor": instance.successor,
    }


def _deprecation_back(actor: Any, instance: ApiInstance, state: dict[str, Any]) -> None:
    if not state["deprecated"]:
        instance_undeprecate(actor=actor, instance=instance)
        return
    days = {name: date.fromisoformat(state[name]) if state[name] else None for name in ("since", "sunset")}
    instance_deprecate(actor=actor, instance=instance, successor=state["successor"], **days)


def _route(route: Route) -> dict[str, Any]:
    ways = route.destinations.all()
    return {
        "instance": route.instance_id,
        "name": route.name,
        "rules": route.rules,
        "destinations": [{"service": way.service_id, "weight": way.weight, "path": way.path} for way in ways],
        "order": route.order,
    }


def _ways(state: dict[str, Any]) -> list[Way]:
    return [Way(**{**way, "service": still_there(Service, way["service"])}) for way in state["destinations"]]


def _route_again(actor: Any, state: dict[str, Any]) -> None:
    instance = still_there(ApiInstance, state["instance"])
    # Counted before: the new one is put where the old one was.
    position = instance.routes.filter(order__lt=state["order"]).count()
    made = route_create(
        actor=actor, instance=instance, name=state["name"], rules=state["rules"], destinations=_ways(state)
    )
    route_place(actor=actor, route=made, position=position)


def _route_back(actor: Any, route: Route, state: dict[str, Any]) -> None:
    route_update(actor=actor, route=route, name=state["name"], rules=state["rules"], destinations=_ways(state))


def _routes(route: Route) -> dict[str, Any]:
    return {"places": [str(pk) for pk in route.instance.routes.values_list("pk", flat=True)]}


def _service(service: Service) -> dict[str, Any]:
    return {
        "instance": service.instance_id,
        "name": service.name,
        "url": service.url,
        "settings": joined(service.settings, service_secrets(service)),
    }


def _service_back(actor: Any, service: Service, state: dict[str, Any]) -> None:
    service_update(actor=actor, service=service, name=state["name"], url=state["url"], settings=state["settings"])


def _service_again(actor: Any, state: dict[str, Any]) -> None:
    service_create(actor=actor, **{**state, "instance": still_there(ApiInstance, state["instance"])})


register(
    Thing(
        name="instance",
        permission="instance.change",
        argument="instance",
        model=ApiInstance,
        state=_instance,
        change=_bring_back,
    )
)
register(
    Thing(
        name="route",
        permission="instance.change",
        argument="route",
        model=Route,
        state=_route,
        create=_route_again,
        change=_route_back,
        remove=route_delete,
    )
)
register(
    Thing(
        name="service",
        permission="instance.change",
        argument="service",
        model=Service,
        state=_service,
        create=_service_again,
        change=_service_back,
        remove=service_delete,
    )
)
register(
    Thing(
        name="route_place",
        permission="instance.change",
        argument="route",
        model=Route,
        state=_routes,
        change=lambda actor, route, state: route_place(
            actor=actor, route=route, position=state["places"].index(str(route.pk))
        ),
    )
)
register(
    Thing(
        name="deprecation",
        permission="instance.change",
        argument="instance",
        model=ApiInstance,
        state=_deprecation,
        change=_deprecation_back,
    )
)
