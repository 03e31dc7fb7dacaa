"""The buttons with which people keep, choose and forget views of a list."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from portal.core.errors import ApplicationError
from portal.core.models import SavedView
from portal.core.saved_views import saved_view_delete, saved_view_save, saved_view_usual


class SavedViewForm(forms.Form):
    """What is kept."""

    path = forms.CharField(max_length=300)
    name = forms.CharField(max_length=80)
    query = forms.CharField(max_length=2000, required=False)
    usual = forms.BooleanField(required=False)


class SavedViewSave(LoginRequiredMixin, View):
    """Keeps the list as it is shown."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep it and show it."""
        form = SavedViewForm(request.POST)
        try:
            if not form.is_valid():
                raise ApplicationError("invalid", "Give the view a name of at most 80 letters.")
            view = saved_view_save(actor=request.user, **form.cleaned_data)
        except ApplicationError as error:
            messages.error(request, error.message)
            # Only ever back to a page of our own.
            back = request.POST.get("path", "")
            own = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
            return redirect(back if own else "home")
        messages.success(request, f"The view “{view.name}” is kept. Whoever gets its link sees the same list.")
        return redirect(view.get_absolute_url())


class _OwnView(LoginRequiredMixin, View):
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Do it to one of one's own views."""
        view = get_object_or_404(SavedView.objects.visible_to(request.user), pk=pk)
        return self.act(request, view)

    def act(self, request: HttpRequest, view: SavedView) -> HttpResponse:
        raise NotImplementedError


class SavedViewUsual(_OwnView):
    """Makes a view the one that the list opens with; again, and it is no longer."""

    def act(self, request: HttpRequest, view: SavedView) -> HttpResponse:
        """Turn it round."""
        saved_view_usual(actor=request.user, view=view, usual=not view.usual)
        said = "opens with" if view.usual else "no longer opens with"
        messages.success(request, f"This list {said} the view “{view.name}”.")
        return redirect(view.get_absolute_url())


class SavedViewDelete(_OwnView):
    """Forgets a view."""

    def act(self, request: HttpRequest, view: SavedView) -> HttpResponse:
        """Forget it and show the whole list."""
        saved_view_delete(actor=request.user, view=view)
        messages.success(request, f"The view “{view.name}” is deleted.")
        return redirect(f"{view.path}?view=all")
