"""Questions about API instances."""

from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from portal.apis.models import ApiInstance, InstanceStatus, Route
from portal.gateways.models import Gateway, Protocol

DEFAULT_SERVICE = "default"
_USUAL_PORTS: dict[str, int] = {Protocol.HTTP: 80, Protocol.HTTPS: 443}


def instance_url(instance: ApiInstance) -> str:
    """Return where consumers call the instance, without a slash at the end unless it is the root."""
    if instance.consumer_endpoint:
        return instance.consumer_endpoint
    return _address(instance.gateway, instance.listener.protocol, instance.listener.port, instance.base_path)


def endpoint_url(gateway: Gateway, port: int, base_path: str) -> str:
    """Return the address of a base path on a gateway's port, which may have no listener yet."""
    listener = gateway.listeners.filter(port=port).first()
    return _address(gateway, listener.protocol if listener is not None else Protocol.HTTP, port, base_path)


def _address(gateway: Gateway, scheme: str, port: int, base_path: str) -> str:
    host = gateway.public_host or settings.GATEWAY_HOST
    place = f"[{host}]" if ":" in host else host
    return f"{scheme}://{place}{'' if port == _USUAL_PORTS[scheme] else f':{port}'}{base_path}"


def instance_curl(instance: ApiInstance) -> str:
    """Return a command that calls the instance."""
    return f"curl -i {instance_url(instance)}"


def instance_implementation_url(instance: ApiInstance) -> str:
    """Return the address of the instance's main service; uses prefetched services when there are."""
    services = list(instance.services.all())
    main = next((service for service in services if service.name == DEFAULT_SERVICE), services[0] if services else None)
    return main.url if main is not None else ""


def routes_in_order(instance: ApiInstance) -> list[Route]:
    """Return the routes as they are tried; uses prefetched ones when there are."""
    return sorted(instance.routes.all(), key=lambda route: (route.order, route.created_at))


def instances_for_list(queryset: Any) -> Any:
    """Return instances with all that a list shows of them: names, port, services and how many policies are on.

    Policies are counted for the rows that are shown, not for all there are.
    """
    policies: Any = ApiInstance._meta.get_field("policies").related_model
    enabled = policies._base_manager.filter(instance=OuterRef("pk"), enabled=True).order_by().values("instance")
    count = Coalesce(Subquery(enabled.annotate(count=Count("pk")).values("count")), 0)
    return (
        queryset.select_related("api_version__api", "gateway", "listener", "environment__organization")
        .prefetch_related("services")
        .annotate(policies_count=count)
        .order_by("api_version__api__name", "api_version__version", "label", "pk")
    )


def instance_dependents(instance: ApiInstance) -> list[str]:
    """Return what is deleted with an instance, of whatever app: `2 routes`. What there is none of is left out."""
    found = []
    for relation in ApiInstance._meta.related_objects:
        count = relation.related_model._base_manager.filter(**{relation.field.name: instance.pk}).count()
        if count:
            several = str(relation.get_accessor_name()).replace("_", " ")
            one = f"{several[:-3]}y" if several.endswith("ies") else several.removesuffix("s")
            found.append(f"{count} {one if count == 1 else several}")
    return found


def api_deployed(environment: Any) -> bool:
    """Tell whether the environment has an active API instance."""
    return ApiInstance.objects.filter(environment=environment, status=InstanceStatus.ACTIVE).exists()
