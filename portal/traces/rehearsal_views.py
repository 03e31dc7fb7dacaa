"""The page on which a request is rehearsed."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from portal.core.views import ObjectView
from portal.traces.rehearsal import rehearse
from portal.traces.rehearsal_forms import RehearsalForm
from portal.traces.views import INSTANCES


class RehearsalPage(ObjectView):
    """Type a request and see what would happen. The address keeps it, but for its secrets."""

    template_name = "traces/rehearsal.html"
    queryset = INSTANCES
    permission = "traffic.trace"
    view_permission = "instance.view"
    object_name = "instance"
    parents = (("APIs", "apis:list"),)

    def page_title(self) -> str:
        """Name the instance: the tab says what this is."""
        return str(self.object)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form, and what would happen where the address has a request."""
        self.object = self.get_object()
        if "path" not in request.GET:
            initial = {"path": self.object.base_path}
            return self.page(form=RehearsalForm(instance=self.object, initial=initial))
        typed = {"client_ip": "192.0.2.1", "method": "GET", **request.GET.dict()}
        return self._rehearsed(RehearsalForm(typed, instance=self.object))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what would happen. Nothing is changed and nothing is sent."""
        self.object = self.get_object()
        return self._rehearsed(RehearsalForm(request.POST, instance=self.object))

    def _rehearsed(self, form: RehearsalForm) -> HttpResponse:
        if not form.is_valid():
            return self.page(status=422, form=form)
        found = rehearse(instance=self.object, asked=form.asked())
        link = f"{self.request.path}?{form.link()}"
        return self.page(form=form, found=found, link=self.request.build_absolute_uri(link))
