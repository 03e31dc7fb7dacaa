"""What every template knows: where the user is, where they may go, and what they may do there."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portal.core.links import console_url
from portal.organizations.models import Environment
from portal.organizations.navigation import ITEMS


def _places(user: Any) -> list[Environment]:
    """Return every environment that the user may see, business groups behind the organization they lie below.

    Each organization gets `path`, its name with those above that the user may see.
    """
    visible = Environment.objects.visible_to(user, "environment.view")
    places = list(visible.select_related("organization").order_by("name"))
    organizations = {place.organization_id: place.organization for place in places}

    def chain(organization: Any) -> list[tuple[str, str]]:
        above = organizations.get(organization.parent_id)
        return [*(chain(above) if above is not None else ()), (organization.name.lower(), str(organization.pk))]

    for place in places:
        names = [organizations[UUID(pk)].name for _, pk in chain(place.organization)]
        place.organization.path = " / ".join(names)  # type: ignore[attr-defined]
    return sorted(places, key=lambda place: chain(place.organization))


def _navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the entries of the sidebar that the user may open from here."""
    found = []
    here = _section(request)
    for item in ITEMS:
        if item.permission and item.permission not in request.permissions:  # type: ignore[attr-defined]
            continue
        url = console_url(request, item.url_name) if item.console else item.address()
        active = here == url if item.exact else here.startswith(url)
        found.append({"item": item, "url": url, "active": active})
    return found


def _section(request: HttpRequest) -> str:
    """Return where the breadcrumbs of a page begin: an app may have pages that belong to an object of another one."""
    view = getattr(getattr(request.resolver_match, "func", None), "view_class", None)
    parents = getattr(view, "parents", ())
    return console_url(request, parents[0][1]) if parents and parents[0][1] else request.path


def console(request: HttpRequest) -> dict[str, Any]:
    """Add `organization`, `environment`, `places` and `navigation`; nothing is looked up before it is used."""
    environment = getattr(request, "environment", None)
    return {
        "organization": getattr(request, "organization", None),
        "environment": environment,
        "places": SimpleLazyObject(lambda: _places(request.user)),
        "navigation": SimpleLazyObject(lambda: _navigation(request) if environment else []),
    }
