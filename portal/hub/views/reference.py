"""The reference of a version: with try-it, as plain text, and as a document."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse

from portal.catalog.models import ApiVersion
from portal.hub.curl import credential_arguments, operation_curl
from portal.hub.documents import offered_document
from portal.hub.operations import operations_of
from portal.hub.selectors import ClientHeaders, client_headers_of, places_of, version_for


def _described_version(request: HttpRequest, provider: str, slug: str, version: str) -> ApiVersion:
    found = version_for(request.user, provider, slug, version)
    if not hasattr(found, "specification"):
        raise Http404("This version has no specification yet.")
    return found


def reference(request: HttpRequest, provider: str, slug: str, version: str) -> HttpResponse:
    """Show the interactive reference. Its requests go through our own try-it address."""
    found = _described_version(request, provider, slug, version)
    # The script sends the token with every request it tries; make sure that the cookie is there.
    get_token(request)
    context = {
        "title": f"{found} reference",
        "version": found,
        "api": found.api,
        "document_url": reverse("hub:openapi", args=[provider, slug, version]),
        "places": places_of(request.user, found),
    }
    return render(request, "hub/reference.html", context)


def operations(request: HttpRequest, provider: str, slug: str, version: str) -> HttpResponse:
    """Show every operation with parameters, examples and a command to copy, without any script."""
    found = _described_version(request, provider, slug, version)
    places = places_of(request.user, found)
    chosen = next((p for p in places if str(p.instance.pk) == request.GET.get("instance")), None)
    place = chosen or (places[0] if places else None)
    headers = client_headers_of(place.instance) if place else ClientHeaders()
    credentials = credential_arguments(headers, "YOUR_CLIENT_ID", "YOUR_CLIENT_SECRET") if headers.enforced else []
    base_url = place.url if place else "https://gateway.example"
    context = {
        "title": f"{found} operations",
        "version": found,
        "api": found.api,
        "places": places,
        "place": place,
        "operations": [
            (operation, operation_curl(operation, base_url, credentials))
            for operation in operations_of(found.specification.document)
        ],
    }
    return render(request, "hub/operations.html", context)


def openapi(request: HttpRequest, provider: str, slug: str, version: str) -> HttpResponse:
    """Hand out the specification with the addresses where it can be called."""
    found = _described_version(request, provider, slug, version)
    document = offered_document(found.specification, places_of(request.user, found))
    response = JsonResponse(document)
    response["Cache-Control"] = "private, no-cache"
    return response
