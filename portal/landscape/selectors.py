"""Which API instances of an environment call which others."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from portal.analytics.models import Span, TrafficSummary
from portal.apis.models import ApiInstance, InstanceStatus, Service
from portal.catalog.models import Layer
from portal.contracts.models import ClientApplication, Contract
from portal.core.links import console_url
from portal.landscape.addresses import Addresses, gateway_hosts
from portal.landscape.models import Caller

DAYS = 7
# Callers first: what they call is below them.
LAYERS = (Layer.EXPERIENCE, Layer.PROCESS, Layer.SYSTEM)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """An API instance as the map has it. The map compares all instances of an environment, and objects are too dear."""

    pk: Any
    name: str
    layer: str
    status: str
    gateway_id: Any
    listener_host: str
    port: int
    base_path: str
    consumer_endpoint: str
    environment: Any

    def __str__(self) -> str:
        return self.name

    @property
    def stopped(self) -> bool:
        """Tell whether it serves nothing."""
        return self.status != InstanceStatus.ACTIVE

    def get_absolute_url(self) -> str:
        """Return the console page of the instance."""
        return console_url(self.environment, "apis:detail", self.pk)


@dataclass(slots=True)
class Call:
    """One API calls another: `services` lead there by configuration, `requests` were made in the last days."""

    caller: Place
    called: Place
    services: list[str] = field(default_factory=list)
    applications: list[str] = field(default_factory=list)
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Landscape:
    """The instances of an environment by layer, and the calls between them."""

    instances: list[Place]
    calls: list[Call]

    def of_layer(self, layer: str) -> list[Place]:
        """Return the instances of one layer."""
        return [each for each in self.instances if each.layer == layer]


def applications_offered(environment: Any) -> Any:
    """Return the client applications that have a contract in an environment."""
    return ClientApplication.objects.filter(contracts__instance__environment=environment).distinct()


def environment_landscape(*, user: Any, environment: Any, layer: str = "") -> Landscape:
    """Return the instances that a user sees in an environment, and which call which.

    With a layer: its instances, those that they call, and those that call them.
    """
    visible = ApiInstance.objects.visible_to(user, "instance.view").filter(environment=environment)
    places = _places(visible, environment)
    calls = _configured(places, visible)
    _add_traffic(calls, places, visible, user)
    found = sorted(calls.values(), key=lambda call: (call.caller.name, call.called.name))
    if layer not in Layer.values:
        return Landscape(instances=list(places.values()), calls=found)
    kept = [call for call in found if layer in (call.caller.layer, call.called.layer)]
    shown = {each.pk for call in kept for each in (call.caller, call.called)}
    return Landscape(
        instances=[each for each in places.values() if each.layer == layer or each.pk in shown], calls=kept
    )


def _places(visible: Any, environment: Any) -> dict[Any, Place]:
    rows = visible.order_by("api_version__api__name", "api_version__version", "label", "pk").values_list(
        "pk", *ApiInstance.NAMED_BY, "api_version__api__layer", "status", "gateway_id", "listener__host",
        "listener__port", "base_path", "consumer_endpoint",
    )  # fmt: skip
    return {
        pk: Place(pk, ApiInstance.named(api, version, label), *more, environment)  # type: ignore[call-arg]
        for pk, api, version, label, *more in rows.iterator(chunk_size=2000)
    }


def _configured(places: dict[Any, Place], visible: Any) -> dict[tuple[Any, Any], Call]:
    addresses = Addresses(places.values(), gateway_hosts({each.gateway_id for each in places.values()}))
    calls: dict[tuple[Any, Any], Call] = {}
    services = Service.objects.filter(instance__in=visible).order_by("instance_id", "name")
    for caller, name, url, settings in services.values_list("instance_id", "name", "url", "settings"):
        for called in addresses.called_by(url, settings):
            call = calls.setdefault((caller, called.pk), Call(places[caller], called))
            call.services.append(name)
    return calls


def _add_traffic(calls: dict[tuple[Any, Any], Call], places: dict[Any, Place], visible: Any, user: Any) -> None:
    """Add what applications have called, as somebody has said for which APIs they do. Days are those of UTC."""
    callers: dict[str, list[Caller]] = defaultdict(list)
    for each in Caller.objects.filter(instance__in=visible).select_related("application"):
        callers[str(each.application_id)].append(each)
    if not callers:
        return
    for called, counts in _requests(callers, places, visible, user).items():
        for application in counts.keys() & callers.keys():
            for each in callers[application]:
                if each.instance_id == called.pk:
                    continue
                call = calls.setdefault((each.instance_id, called.pk), Call(places[each.instance_id], called))
                call.applications.append(each.application.name)
                call.requests += counts[application]


def _requests(applications: Any, places: dict[Any, Place], visible: Any, user: Any) -> dict[Place, dict[str, int]]:
    """Return how often each API was called by each application, of those that some of them have a contract with."""
    agreed = Contract.objects.filter(application__in=applications, instance__in=visible)
    ids = {str(pk): places[pk] for pk in agreed.values_list("instance_id", flat=True).distinct()}
    since = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    days = TrafficSummary.objects.visible_to(user, "traffic.view").filter(
        span=Span.DAY, instance__in=ids, start__gte=since
    )
    found: dict[Place, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for instance, counts in days.values_list("instance", "figures__applications"):
        for application, count in (counts or {}).items():
            found[ids[instance]][application] += count
    return found
