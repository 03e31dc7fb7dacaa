"""What of API instances, their routes and services can be taken back."""

from typing import Any

from portal.apis.models import ApiInstance, InstanceStatus, Route, Service
from portal.apis.route_services import (
    route_create,
    route_delete,
    route_update,
    service_create,
    service_delete,
    service_update,
)
from portal.apis.selectors import instance_implementation_url
from portal.apis.services import instance_start, instance_stop, instance_update
from portal.audit.undo import Thing, register, still_there
from portal.catalog.models import ApiVersion

SETTINGS = ("base_path", "label", "labels", "consumer_endpoint", "deprecated")


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


def _route(route: Route) -> dict[str, Any]:
    names = ("name", "path", "methods", "order")
    return {
        **{name: getattr(route, name) for name in names},
        "instance": route.instance_id,
        "service": route.service_id,
    }


def _route_again(actor: Any, state: dict[str, Any]) -> None:
    route_create(
        actor=actor,
        **{
            **state,
            "instance": still_there(ApiInstance, state["instance"]),
            "service": still_there(Service, state["service"]),
        },
    )


def _route_back(actor: Any, route: Route, state: dict[str, Any]) -> None:
    settings = {name: value for name, value in state.items() if name != "instance"}
    route_update(actor=actor, route=route, **{**settings, "service": still_there(Service, state["service"])})


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
        remove=lambda actor, route: route_delete(actor=actor, route=route),
    )
)
register(
    Thing(
        name="service",
        permission="instance.change",
        argument="service",
        model=Service,
        state=lambda service: {"instance": service.instance_id, "name": service.name, "url": service.url},
        create=_service_again,
        change=lambda actor, service, state: service_update(actor=actor, service=service, url=state["url"]),
        remove=lambda actor, service: service_delete(actor=actor, service=service),
    )
)
