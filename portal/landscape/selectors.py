"""Which API instances of an environment call which others."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Prefetch, Sum
from django.utils import timezone

from portal.analytics.models import TrafficMinute
from portal.apis.models import ApiInstance, Service
from portal.catalog.models import ApiVersion, Layer
from portal.contracts.models import ClientApplication
from portal.gateways.models import Gateway
from portal.landscape.addresses import Addresses
from portal.landscape.models import Caller

DAYS = 7
# Callers first: what they call is below them.
LAYERS = (Layer.EXPERIENCE, Layer.PROCESS, Layer.SYSTEM)

# What a box says of an API.
_NAMED = ("version", "api__name", "api__layer")


@dataclass(slots=True)
class Call:
    """One API calls another: `services` lead there by configuration, `requests` were made in the last days."""

    caller: ApiInstance
    called: ApiInstance
    services: list[str] = field(default_factory=list)
    applications: list[str] = field(default_factory=list)
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Landscape:
    """The instances of an environment by layer, and the calls between them."""

    instances: list[ApiInstance]
    calls: list[Call]

    def of_layer(self, layer: str) -> list[ApiInstance]:
        """Return the instances of one layer."""
        return [each for each in self.instances if each.api_version.api.layer == layer]


def applications_offered(environment: Any) -> Any:
    """Return the client applications that have a contract in an environment."""
    return ClientApplication.objects.filter(contracts__instance__environment=environment).distinct()


def environment_landscape(*, user: Any, environment: Any, layer: str = "") -> Landscape:
    """Return the instances that a user sees in an environment, and which call which.

    With a layer: its instances, those that they call, and those that call them.
    """
    visible = ApiInstance.objects.visible_to(user, "instance.view").filter(environment=environment)
    instances = _instances(visible, environment)
    calls = _configured(instances)
    _add_traffic(calls, {each.pk: each for each in instances}, user, environment)
    found = sorted(calls.values(), key=lambda call: (str(call.caller), str(call.called)))
    if layer not in Layer.values:
        return Landscape(instances=instances, calls=found)
    kept = [call for call in found if layer in (_layer(call.caller), _layer(call.called))]
    shown = {each.pk for call in kept for each in (call.caller, call.called)}
    return Landscape(instances=[each for each in instances if _layer(each) == layer or each.pk in shown], calls=kept)


def _instances(rows: Any, environment: Any) -> list[ApiInstance]:
    """Return instances with all that the map needs of them. What many of them share is read once."""
    services = Prefetch("services", queryset=Service.objects.only("instance", "name", "url", "settings"))
    ordered = rows.order_by("api_version__api__name", "api_version__version", "label", "pk")
    instances = list(ordered.defer("settings", "labels").prefetch_related(services))
    gateways = Gateway.objects.filter(environment=environment).prefetch_related("replicas", "listeners").in_bulk()
    listeners = {each.pk: each for gateway in gateways.values() for each in gateway.listeners.all()}
    versions = ApiVersion.objects.filter(instances__environment=environment).select_related("api").only(*_NAMED)
    named = {version.pk: version for version in versions.distinct()}
    for each in instances:
        each.environment, each.gateway = environment, gateways[each.gateway_id]
        each.listener, each.api_version = listeners[each.listener_id], named[each.api_version_id]
    return instances


def _layer(instance: ApiInstance) -> str:
    return str(instance.api_version.api.layer)


def _configured(instances: list[ApiInstance]) -> dict[tuple[Any, Any], Call]:
    addresses = Addresses(instances)
    calls: dict[tuple[Any, Any], Call] = {}
    for caller in instances:
        for service in caller.services.all():
            for called in addresses.called_by(service):
                call = calls.setdefault((caller.pk, called.pk), Call(caller, called))
                call.services.append(service.name)
    return calls


def _add_traffic(calls: dict[tuple[Any, Any], Call], instances: dict[Any, ApiInstance], user: Any, place: Any) -> None:
    callers: dict[str, list[Caller]] = {}
    for each in Caller.objects.filter(instance__in=instances).select_related("application"):
        callers.setdefault(str(each.application_id), []).append(each)
    if not callers:
        return
    counts = (
        TrafficMinute.objects.visible_to(user, "traffic.view")
        .filter(
            environment_id=place.pk,
            application__in=callers,
            minute__gte=timezone.now() - timedelta(days=DAYS),
            requests__gt=0,
        )
        .values_list("application", "instance")
        .annotate(total=Sum("requests"))
    )
    by_id = {str(pk): instance for pk, instance in instances.items()}
    for application, instance, total in counts:
        called = by_id.get(instance)
        if called is None:
            continue
        for each in callers[application]:
            if each.instance_id == called.pk:
                continue
            key = (each.instance_id, called.pk)
            call = calls.setdefault(key, Call(instances[each.instance_id], called))
            call.applications.append(each.application.name)
            call.requests += total
