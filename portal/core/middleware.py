"""What happens around every request: its id, and services' errors that no view handled."""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.core import request_id
from portal.core.errors import ApplicationError

_SAFE_ID = re.compile(r"\A[A-Za-z0-9._-]{1,64}\Z")
GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Give every request an id (the caller's when it is safe) and answer with it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-Id", "")
        request.request_id = offered if _SAFE_ID.match(offered) else uuid.uuid4().hex  # type: ignore[attr-defined]
        token = request_id.enter(request.request_id)  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
        finally:
            request_id.leave(token)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class ApplicationErrorMiddleware:
    """Show an `ApplicationError` that reached the top as a page with its sentence and its status."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for an application error; leave all others to Django."""
        if isinstance(exception, ApplicationError):
            return render(request, "error.html", {"error": exception}, status=exception.status)
        return None
