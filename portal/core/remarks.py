"""What a service has to say beside its result, such as that a change waits: shown to whoever made the request.

In the console it becomes a message on the next page, over REST the header `Portico-Remark`.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

HEADER = "Portico-Remark"


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence for people, and a short ASCII form for programs."""

    text: str
    code: str


_remarks: ContextVar[list[Remark] | None] = ContextVar("remarks", default=None)


def remark_add(text: str, *, code: str) -> None:
    """Say something to whoever made the request that is being served. Outside of a request nobody hears it."""
    said = _remarks.get()
    remark = Remark(text, code)
    if said is not None and remark not in said:
        said.append(remark)


class RemarksMiddleware:
    """Collects the remarks of one request. What failed has changed nothing, so then there is nothing to remark."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        said: list[Remark] = []
        token = _remarks.set(said)
        try:
            response = self.get_response(request)
        finally:
            _remarks.reset(token)
        if not said or response.status_code >= 400:
            return response
        if request.path.startswith("/api/"):
            response[HEADER] = ", ".join(remark.code for remark in said)
        else:
            for remark in said:
                messages.warning(request, remark.text)
        return response
