"""The console's search: one page, and the same answer in short for the palette."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, get_resolver

from portal.core.findables import Entries, Found, found, register
from portal.core.links import console_url
from portal.core.views import ConsoleView, EditPage, ListPage


class Find(ConsoleView):
    """Finds things, pages and what can be done, by what somebody types. The palette asks for the lines alone."""

    template_name = "find/page.html"
    permission = "environment.view"
    title = "Search"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer with the page, or with the lines."""
        query = request.GET.get("q", "").strip()
        groups = found(request, query)
        if "X-Palette" in request.headers:
            response = render(request, "find/options.html", {"groups": groups, "query": query})
            response["Cache-Control"] = "no-store"
            return response
        return self.page(groups=groups, query=query)


@cache
def console_pages() -> tuple[tuple[str, type[ConsoleView]], ...]:
    """Return (name, view) of every page of the console that needs nothing but the place, in the order of its URLs."""
    pages: dict[str, tuple[str, type[ConsoleView]]] = {}
    for name, route, pattern in _patterns(get_resolver().url_patterns, "", ""):
        view = getattr(pattern.callback, "view_class", None)
        if not name or not route.startswith("console/") or route.count("<") != 2 or view is None:
            continue
        if issubclass(view, ConsoleView) and view.title and hasattr(view, "get") and view is not Find:
            # A form in several steps has one title; its first step is where one begins.
            pages.setdefault(view.title, (name, view))
    return tuple(pages.values())


def _patterns(patterns: Any, spaces: str, above: str) -> Iterator[tuple[str, str, URLPattern]]:
    for pattern in patterns:
        route = above + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield (f"{spaces}{pattern.name}" if pattern.name else ""), route, pattern
        else:
            yield from _patterns(pattern.url_patterns, f"{spaces}{pattern.namespace or ''}:".lstrip(":"), route)


_icons: dict[str, str] = {}


def page_icon(url_name: str, icon: str) -> None:
    """Say with which icon a page is found."""
    _icons[url_name] = icon


def _pages(request: Any) -> Iterator[Found]:
    for name, view in console_pages():
        if view.permission and view.permission not in request.permissions:
            continue
        usual = "plus" if issubclass(view, EditPage) else "list" if issubclass(view, ListPage) else "file"
        yield Found(view.title, console_url(request, name), view.subtitle, _icons.get(name, usual))


register(Entries(name="pages", title="Pages", list=_pages, order=10))
