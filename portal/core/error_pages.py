"""Pages for what went wrong before or outside of a view. REST paths answer in the one error shape instead."""

import sys
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

RETRY_SECONDS = 5
_FAILED = "Portico failed. The request id finds it in the log."
_DATABASE_AWAY = "The database does not answer. What was sent may not be saved: look, before you send it again."


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
    """Answer when the portal itself failed: nothing here may need the database, a session or the request's user.

    A database that is away is no fault of the portal's: 503, and callers may try again.
    """
    # Django answers while it handles the exception.
    away = isinstance(sys.exception(), OperationalError)
    status, code = (503, "database_unavailable") if away else (500, "internal_error")
    request_id = getattr(request, "request_id", "")
    response: HttpResponse
    if request.path.startswith("/api/"):
        message = _DATABASE_AWAY if away else _FAILED
        response = JsonResponse(
            {"code": code, "message": message, "fields": {}, "request_id": request_id}, status=status
        )
    else:
        page = render_to_string("500.html", {"request_id": request_id, "database_away": away})
        response = HttpResponse(page, status=status)
    if away:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response
