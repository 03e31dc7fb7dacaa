"""Pages for what went wrong before or outside of a view. REST paths answer in the one error shape instead."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def _answer(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"code": code, "message": message, "fields": {}}, status=status)
    return render(request, f"{status}.html", status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer a request that could not be understood."""
    return _answer(request, 400, "bad_request", "The request could not be understood.")


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer a request that the user may not make."""
    return _answer(request, 403, "permission_denied", "Your role does not include this.")


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer for an address that has nothing, or nothing for this user."""
    return _answer(request, 404, "not_found", "There is nothing here.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer when the portal itself failed: nothing here may need the database, a session or the request's user."""
    request_id = getattr(request, "request_id", "")
    if request.path.startswith("/api/"):
        body = {
            "code": "internal_error",
            "message": "Portico failed. The request id finds it in the log.",
            "fields": {},
        }
        return JsonResponse({**body, "request_id": request_id}, status=500)
    return HttpResponse(render_to_string("500.html", {"request_id": request_id}), status=500)
