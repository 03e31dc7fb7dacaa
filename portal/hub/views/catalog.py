"""The catalog: finding an API and reading what it is."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.catalog.models import Layer
from portal.hub.selectors import api_for, apis_found, versions_offered

PAGE_SIZE = 24
LONGEST_QUERY = 100


def home(request: HttpRequest) -> HttpResponse:
    """Show the catalog with search and filter; every state of it is an address."""
    query = request.GET.get("q", "").strip()[:LONGEST_QUERY]
    layer = request.GET.get("layer", "")
    page = Paginator(apis_found(request.user, query, layer), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"title": "APIs", "page_obj": page, "query": query, "layer": layer, "layers": Layer.choices}
    return render(request, "hub/home.html", context)


def api(request: HttpRequest, provider: str, slug: str) -> HttpResponse:
    """Show one API: description, versions, where each runs and under which plans."""
    found = api_for(request.user, provider, slug)
    versions = versions_offered(request.user, found)
    context = {
        "title": found.name,
        "api": found,
        "versions": versions,
        "requestable": any(not place.instance.deprecated for version in versions for place in version.places),
    }
    return render(request, "hub/api.html", context)
