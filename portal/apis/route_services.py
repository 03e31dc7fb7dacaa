"""Changes of an instance's routes: their conditions, where they lead, and the order in which they are tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from portal.apis.checks import destination_path_fault, route_methods
from portal.apis.models import ApiInstance, Destination, Route, Service
from portal.apis.rules import Rules, rules_checked
from portal.apis.services import CATCH_ALL_ORDER, instance_changed
from portal.audit.undo import undoable
from portal.core import ordering
from portal.core.errors import ApplicationError

MOST_DESTINATIONS = 20
# Between the numbers of routes that are set together, so that one fits in between.
ROUTE_STEP = 10


@dataclass(frozen=True, slots=True)
class NewRoute:
    """A route as it should be, among all of its instance."""

    name: str
    rules: Rules
    destinations: Sequence["Way"]


@dataclass(frozen=True, slots=True)
class Way:
    """Where a route leads, with its share when there are several."""

    service: Service
    weight: int = 1
    path: str = ""


@undoable("route")
@transaction.atomic
def route_create(
    *, actor: Any, instance: ApiInstance, name: str, destinations: Sequence[Way], rules: Rules | None = None
) -> Route:
    """Add a route that leads some requests somewhere. It is tried last, but before one that takes every request."""
    lock_routes(instance)
    route = Route(instance=instance, order=_next_order(instance))
    _fill(route, name=name, rules=rules or [], destinations=destinations)
    instance_changed(actor, instance, "route.create", f"Added route {route.name} to {instance}", after=_state(route))
    return route


@undoable("route")
@transaction.atomic
def route_update(
    *,
    actor: Any,
    route: Route,
    name: str | None = None,
    rules: Rules | None = None,
    destinations: Sequence[Way] | None = None,
) -> Route:
    """Change a route; what is None stays."""
    lock_routes(route.instance)
    before = _state(route)
    _fill(
        route,
        name=route.name if name is None else name,
        rules=route.rules if rules is None else rules,
        destinations=destinations,
    )
    after = _state(route)
    if after != before:
        message = f"Changed route {route.name} of {route.instance}"
        instance_changed(actor, route.instance, "route.update", message, before=before, after=after)
    return route


@undoable("route_place")
@transaction.atomic
def route_place(*, actor: Any, route: Route, position: int) -> Route:
    """Let a route be tried at a place among those of its instance, counted from 0."""
    lock_routes(route.instance)
    before = {"order": route.order}
    if ordering.put(list(route.instance.routes.all()), route, position):
        message = f"Moved route {route.name} of {route.instance}"
        instance_changed(actor, route.instance, "route.move", message, before=before, after={"order": route.order})
    return route


@transaction.atomic
def route_move(*, actor: Any, route: Route, earlier: bool) -> Route:
    """Let a route be tried one place earlier or later; at the end nothing happens."""
    position = ordering.place_beside(list(route.instance.routes.all()), route, earlier=earlier)
    return route if position is None else route_place(actor=actor, route=route, position=position)


@undoable("route")
@transaction.atomic
def route_delete(*, actor: Any, route: Route) -> None:
    """Remove a route; the last one stays, since an instance without any answers 404 to everything."""
    lock_routes(route.instance)
    if route.instance.routes.count() == 1:
        raise ApplicationError(
            "route_last", "An API needs at least one route. Change this one, or stop the API.", status=409
        )
    message = f"Removed route {route.name} of {route.instance}"
    instance_changed(actor, route.instance, "route.delete", message, before=_state(route))
    route.delete()


@transaction.atomic
def routes_replace(*, actor: Any, instance: ApiInstance, routes: Sequence[NewRoute]) -> list[Route]:
    """Give an instance these routes in this order, and no others. A route of the same name stays the same one."""
    lock_routes(instance)
    present = list(instance.routes.all())
    before = [_state(route) for route in present]
    rules = [route_rules_checked(each.rules) for each in routes]
    _check_all(routes, rules)
    made = []
    for number, (new, checked) in enumerate(zip(routes, rules, strict=True), start=1):
        found = next((each for each in present if each.name == new.name.strip()), None)
        if found is not None:
            present.remove(found)
        route = found or Route(instance=instance)
        route.name, route.rules, route.order = new.name.strip(), checked, number * ROUTE_STEP
        route.save_checked()
        _lead(route, new.destinations)
        made.append(route)
    for route in present:
        route.delete()
    after = [_state(route) for route in made]
    if after != before:
        message = f"Changed the routes of {instance}"
        instance_changed(actor, instance, "route.replace", message, before={"routes": before}, after={"routes": after})
    return made


def _check_all(routes: Sequence[NewRoute], rules: Sequence[Rules]) -> None:
    """Raise where an instance would have no route, or one that never gets a request."""
    if not routes:
        raise ApplicationError("route_last", "An API needs at least one route.", status=409)
    for number, (new, checked) in enumerate(zip(routes, rules, strict=True)):
        if checked in rules[:number]:
            raise _overlap(routes[rules.index(checked)].name, new.name)


def _overlap(first: str, second: str) -> ApplicationError:
    sentence = (
        f"“{first}” and “{second}” hold for the same requests, so that “{second}” would never get any. "
        "Give one of them another condition."
    )
    return ApplicationError("routes_overlap", sentence, fields={"rules": sentence}, status=409)


def lock_routes(instance: ApiInstance) -> None:
    """Let one change of an instance's routes happen after the other."""
    ApiInstance.objects.select_for_update().get(pk=instance.pk)


def route_rules_checked(rules: Any) -> Rules:
    """Return the conditions of a route as they are stored. Raises `ApplicationError`, also for unknown methods."""
    checked = rules_checked(rules)
    for index, rule in enumerate(checked):
        if "methods" in rule:
            rule["methods"] = route_methods(rule["methods"], f"rules.{index}.methods")
    return checked


def _next_order(instance: ApiInstance) -> int:
    others = list(instance.routes.all())
    if others and not others[-1].rules:
        before = others[-2].order if len(others) > 1 else 0
        if others[-1].order <= before + 1:
            others[-1].order = before + CATCH_ALL_ORDER
            others[-1].save(update_fields=["order", "updated_at"])
        return before + 1
    return others[-1].order + 1 if others else CATCH_ALL_ORDER


def _fill(route: Route, *, name: str, rules: Any, destinations: Sequence[Way] | None) -> None:
    route.name, route.rules = name.strip(), route_rules_checked(rules)
    for other in route.instance.routes.exclude(pk=route.pk):
        if other.rules == route.rules:
            first, second = (other.name, route.name) if other.order <= route.order else (route.name, other.name)
            raise _overlap(first, second)
    route.save_checked()
    if destinations is not None:
        _lead(route, destinations)


def _lead(route: Route, ways: Sequence[Way]) -> None:
    """Let a route lead to these destinations and no others."""
    if not ways:
        sentence = "Say to which service the route leads."
        raise ApplicationError("destination_missing", sentence, fields={"destinations": sentence})
    if len(ways) > MOST_DESTINATIONS:
        sentence = f"Use at most {MOST_DESTINATIONS} destinations."
        raise ApplicationError("too_many_destinations", sentence, fields={"destinations": sentence})
    route.destinations.all().delete()
    for index, way in enumerate(ways):
        if way.service.instance_id != route.instance_id:
            sentence = "Choose a service of this API."
            field = f"destinations.{index}.service"
            raise ApplicationError("service_of_another_api", sentence, fields={field: sentence})
        if fault := destination_path_fault(way.path):
            raise ApplicationError("route_path_invalid", fault, fields={f"destinations.{index}.path": fault})
        made = Destination(route=route, service=way.service, order=index, weight=way.weight, path=way.path.rstrip("/"))
        try:
            made.save_checked()
        except ApplicationError as error:
            fields = {f"destinations.{index}.{name}": sentence for name, sentence in error.fields.items()}
            raise ApplicationError(error.code, error.message, fields=fields) from error


def _state(route: Route) -> dict[str, Any]:
    ways = route.destinations.select_related("service") if route.pk else []
    return {
        "name": route.name,
        "rules": list(route.rules),
        "destinations": [{"service": way.service.name, "weight": way.weight, "path": way.path} for way in ways],
    }
