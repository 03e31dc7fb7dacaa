"""Notes of each session from where it is used, and when."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.accounts.devices import device_of
from portal.accounts.models import BrowserSession
from portal.accounts.session_store import ABOUT

# How exactly it is kept when a session was last used: a page that polls must not write a row each time.
LAST_SEEN_EVERY = timedelta(minutes=1)


class SeenMiddleware:
    """After the answer is made, so that a session just begun is noted too. It never loads a session by itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.session.accessed and SESSION_KEY in request.session:
            self._note(request)
        return response

    @staticmethod
    def _note(request: HttpRequest) -> None:
        now = timezone.now()
        session: Any = request.session
        about = session.get(ABOUT)
        if about is None or about["user"] != session[SESSION_KEY]:
            session[ABOUT] = {
                "user": session[SESSION_KEY],
                "device": device_of(request.headers.get("User-Agent", "")),
                "address": request.META.get("REMOTE_ADDR", ""),
                "begun_at": now.isoformat(),
            }
            return
        row = session.row
        if row is not None and row.last_seen_at <= now - LAST_SEEN_EVERY:
            # The column alone: saving the session would undo what a request at the same moment changed in it.
            BrowserSession.objects.filter(pk=row.pk, last_seen_at=row.last_seen_at).update(last_seen_at=now)
