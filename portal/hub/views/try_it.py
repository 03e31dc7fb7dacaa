"""The address through which the reference tries calls, because a page may only talk to its own origin."""

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from portal.core.errors import ApplicationError
from portal.hub.rate import try_it_admit
from portal.hub.try_it import MOST_BYTES, send, target_of

# The reference sends every call as POST with the portal's CSRF token and says here which method it means: so no other
# site, and no link, can make the portal show somebody's answer as if it were a page of ours.
METHOD_HEADER = "X-Try-It-Method"


@require_POST
def try_it(request: HttpRequest) -> HttpResponse:
    """Send one call to the gateway named by `?scalar_url=` and hand back its answer as inert data."""
    try:
        try_it_admit(request)
        if int(request.headers.get("Content-Length") or 0) > MOST_BYTES:
            raise ApplicationError("body_too_large", "Try it sends at most 1 MB.", status=413)
        url, instance = target_of(request.user, request.GET.get("scalar_url", ""))
        answer = send(
            url=url,
            instance=instance,
            method=request.headers.get(METHOD_HEADER, "POST").upper(),
            headers=request.headers.items(),
            body=request.body,
        )
    except ApplicationError as error:
        body = {"type": "about:blank", "title": error.message, "status": error.status, "code": error.code}
        response: HttpResponse = JsonResponse(body, status=error.status, content_type="application/problem+json")
        response["X-Try-It-Refused"] = error.code
        return _inert(response)
    response = HttpResponse(answer.body, status=answer.status)
    del response["Content-Type"]
    for name, value in answer.headers:
        response[name] = value
    # The portal adds headers of its own and replaces some; the page shows these instead, as the gateway sent them.
    response["X-Try-It-Headers"] = json.dumps(answer.headers)
    return _inert(response)


def _inert(response: HttpResponse) -> HttpResponse:
    """Make sure that a browser that opened this as a page would run and load nothing of it."""
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    if "Content-Type" not in response:
        response["Content-Type"] = "application/octet-stream"
    return response
