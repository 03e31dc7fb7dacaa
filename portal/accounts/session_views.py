"""Where one is signed in, and ending it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views import View

from portal.accounts.current import current_user
from portal.accounts.models import BrowserSession
from portal.accounts.session_services import session_end, sessions_end
from portal.accounts.tables import SessionTable
from portal.core.views import ListPage


class Sessions(ListPage):
    """The browsers in which one is signed in."""

    template_name = "accounts/sessions.html"
    queryset = BrowserSession.objects
    table = SessionTable
    title = "Sessions"


class SessionEnd(LoginRequiredMixin, View):
    """Ends one of one's own sessions; this one too, which is signing out."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """End it."""
        session = get_object_or_404(BrowserSession.objects.visible_to(request.user), id=pk)
        user = current_user(request)
        if session.session_key == request.session.session_key:
            request.session.flush()
        session_end(session=session, actor=user)
        messages.success(request, f"{session.device} is signed out.")
        return redirect("accounts:sessions")


class OtherSessionsEnd(LoginRequiredMixin, View):
    """Ends all of one's own sessions but this one."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """End them."""
        user = current_user(request)
        sessions_end(user=user, actor=user, keep=request.session.session_key)
        messages.success(request, "All other browsers are signed out.")
        return redirect("accounts:sessions")
