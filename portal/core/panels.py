"""What higher apps add to a lower app's page: cards in its body and tabs above it.

A lower app names a place (`"gateway"`, `"instance"`, `"home"`, `"account"`) and its template renders
`{% panel_cards "gateway" gateway %}` or `{% tabs "gateway" gateway %}`. A higher app registers in `AppConfig.ready()`.
What has to be seen before everything else is registered for `"gateway:first"`, above the page's own cards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string

from portal.core.links import console_url

# Takes the request and the object of the page; returns the template's context, or None to show nothing.
ContextFunction = Callable[[HttpRequest, Any], dict[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A card on somebody else's page."""

    name: str
    template: str
    context: ContextFunction
    permission: str = ""
    order: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A link above somebody else's page, to a page that belongs to the same object (its id is the last argument)."""

    name: str
    title: str
    url_name: str
    icon: str = ""
    permission: str = ""
    order: int = 50


_panels: dict[str, dict[str, Panel]] = {}
_tabs: dict[str, dict[str, Tab]] = {}


def register(
    place: str, *, name: str, template: str, context: ContextFunction, permission: str = "", order: int = 50
) -> None:
    """Add a card to a place. The same name registered again replaces it."""
    panel = Panel(name=name, template=template, context=context, permission=permission, order=order)
    _panels.setdefault(place, {})[name] = panel


def register_tab(
    place: str, *, name: str, title: str, url_name: str, icon: str = "", permission: str = "", order: int = 50
) -> None:
    """Add a tab to a place. The same name registered again replaces it."""
    tab = Tab(name=name, title=title, url_name=url_name, icon=icon, permission=permission, order=order)
    _tabs.setdefault(place, {})[name] = tab


def _held(request: HttpRequest, permission: str) -> bool:
    return not permission or permission in getattr(request, "permissions", ())


def rendered_panels(request: HttpRequest, place: str, target: Any) -> list[str]:
    """Return the HTML of every card of a place that the user may see, in order."""
    found = sorted(_panels.get(place, {}).values(), key=lambda panel: (panel.order, panel.name))
    rendered: list[str] = []
    for panel in found:
        if not _held(request, panel.permission):
            continue
        context = panel.context(request, target)
        if context is not None:
            rendered.append(render_to_string(panel.template, {"object": target, **context}, request))
    return rendered


def tabs_of(request: HttpRequest, place: str, target: Any) -> list[tuple[Tab, str]]:
    """Return the tabs of a place that the user may see with their addresses, in order."""
    found = sorted(_tabs.get(place, {}).values(), key=lambda tab: (tab.order, tab.name))
    return [(tab, console_url(request, tab.url_name, target.pk)) for tab in found if _held(request, tab.permission)]
