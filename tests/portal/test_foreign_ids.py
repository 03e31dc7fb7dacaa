"""Every address that names a thing, with the id of another organization's: it answers as if there were none.

The addresses come from the URL map and the things from the models behind them, so that a new one joins by itself. One
for which there is no thing to try fails the test.
"""

import dataclasses
import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from portal.accounts.models import User
from portal.catalog.models import Api, Visibility
from portal.organizations.models import Environment
from tests.benchmarks.large_portal import LargePortal, fill
from tests.portal.base import client_of, make_environment, make_organization, make_user
from tests.portal.test_addresses import PUBLIC
from tests.portal.test_urls import FEW

METHODS = ("get", "post", "put", "patch", "delete")
# What a portal that is filled has none of, by the name of its model: these are tried with an id that nobody has.
NONE_OF = {
    "Rollout", "Hold", "Revision", "TeamMember", "TeamRole", "UndoStep", "AlertEpisode", "SavedView", "ApiToken",
    "BrowserSession", "Promotion",
}  # fmt: skip
# The policies that there are, the same for everybody.
OF_NOBODY = {"PolicyViewSet"}
# What views without a queryset are about. Pages of the hub below an address with ids are about applications.
BY_VIEW = {
    "VersionDeprecateView": "ApiVersion", "CallersView": "ApiInstance", "InstanceTargetsView": "ApiInstance",
    "hub": "ClientApplication",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Place:
    """Somebody who owns an organization of their own, and everything that is somebody else's."""

    client: Client
    environment: Environment
    things: dict[str, Any]


@pytest.fixture
def place(db: None) -> Place:
    theirs: LargePortal = fill(FEW)
    # What is public is offered to everybody.
    Api.objects.update(visibility=Visibility.PRIVATE)
    things = {
        type(thing).__name__: thing for each in dataclasses.fields(theirs) if (thing := getattr(theirs, each.name))
    }
    things["Replica"] = theirs.gateway.replicas.all()[0]
    olaf: User = make_user("Olaf Owner")
    organization = make_organization("Own", slug="own", owner=olaf)
    environment = make_environment(organization, "Place", slug="place")
    return Place(client_of(olaf), environment, things)


def entries(patterns: list[Any], prefix: str = "", namespace: str = "") -> list[tuple[str, str, Any]]:
    """Return (name, route, view class) of every address."""
    found = []
    for entry in patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            found += entries(entry.url_patterns, route, inner)
        else:
            assert isinstance(entry, URLPattern)
            view = getattr(entry.callback, "view_class", None) or getattr(entry.callback, "cls", None)
            found.append((namespace + (entry.name or route), route, view))
    return found


def thing_of(parameter: str, view: Any, place: Place) -> tuple[str, Any]:
    """Return the model that a part of an address is about, and the id of another organization's."""
    words = {
        "instance_pk": "ApiInstance", "gateway_pk": "Gateway", "instance": "ApiInstance", "gateway": "Gateway",
        "contract": "Contract",
    }  # fmt: skip
    name = words.get(parameter, "")
    if not name:
        queryset = getattr(view, "queryset", None)
        model = getattr(queryset, "model", None)
        name = model.__name__ if model is not None else BY_VIEW.get(getattr(view, "__name__", "hub"), str(view))
    thing = place.things.get(name)
    return name, thing.pk if thing is not None else uuid.uuid4()


def address_of(route: str, view: Any, place: Place) -> tuple[str, set[str]]:
    """Return the address with others' ids in one's own place, and the models of which there was none."""
    # Routers write `(?P<pk>[^/.]+)/$`.
    route = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<uuid:\1>", route).replace("^", "").removesuffix("\\Z").removesuffix("$")
    parts, missing = route.split("<"), set()
    address = parts[0]
    for part in parts[1:]:
        inside, _, rest = part.partition(">")
        parameter = inside.rpartition(":")[2]
        if parameter == "organization":
            value = place.environment.organization.slug
        elif parameter == "environment":
            value = place.environment.slug
        elif inside.startswith("uuid:"):
            name, value = thing_of(parameter, view, place)
            if name not in place.things:
                missing.add(name)
        else:
            value = "1"
        address += f"{value}{rest}"
    return "/" + address.replace("\\", ""), missing


def walked(start: str, place: Place) -> list[tuple[str, str]]:
    """Return (name, address) of every address below a start that names a thing."""
    found, missing = [], set()
    for name, route, view in entries(get_resolver().url_patterns):
        if getattr(view, "__name__", "") in OF_NOBODY or name in PUBLIC or not route.startswith(start):
            continue
        if not ("<uuid:" in route or "(?P<" in route):
            continue
        address, without = address_of(route, view, place)
        missing |= without
        found.append((name, address))
    assert missing <= NONE_OF, "Add such a thing to tests/benchmarks/large_portal.py."
    return found


@pytest.mark.parametrize(("start", "least"), [("console/", 80), ("api/v1/", 60), ("hub/applications/", 5)])
def test_another_organization_s_ids_are_not_there(place: Place, start: str, least: int) -> None:
    addresses = walked(start, place)
    assert len(addresses) >= least
    told = [
        (method, name, answer.status_code)
        for name, address in addresses
        for method in METHODS
        if (answer := getattr(place.client, method)(address, {}, content_type="application/json")).status_code
        not in (404, 405)
    ]
    assert not told, told
