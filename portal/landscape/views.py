"""The console's map of an environment, and the page on which an API says as whom it calls others."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse

from portal.apis.models import ApiInstance
from portal.core.commands import Rest
from portal.core.denied import Denied
from portal.core.views import ConsoleView, EditPage, ObjectView
from portal.landscape.drawing import draw
from portal.landscape.forms import CallersForm
from portal.landscape.selectors import DAYS, LAYERS, Landscape, Place, environment_landscape
from portal.landscape.services import callers_set

WIDE, NARROW = 4, 1
# More boxes are no picture any more; the table has all of them.
MOST_DRAWN = 120
# Rows of the table, and names below it.
CALLS_AT_ONCE, MOST_SILENT = 50, 40
INSTANCES = ApiInstance.objects.select_related("environment__organization", "api_version__api")


class LandscapePage(ConsoleView):
    """Which API calls which. `?layer=` keeps one layer with its neighbours."""

    template_name = "landscape/map.html"
    permission = "instance.view"
    title = "Map"
    parents = (("APIs", "apis:list"),)
    subtitle = "Which API calls which, as configuration and traffic tell it."

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Draw it, and tell it as a table."""
        if not self.held_here(self.permission):
            raise Denied(self.permission, self.title)
        layer = request.GET.get("layer", "")
        found = environment_landscape(user=request.user, environment=self.environment, layer=layer)
        silent = _silent(found)
        drawn = len(found.instances) <= MOST_DRAWN
        return self.page(
            landscape=found,
            layer=layer,
            layers=[(each.value, each.label) for each in LAYERS],
            wide=draw(found, WIDE) if drawn else None,
            narrow=draw(found, NARROW) if drawn else None,
            days=DAYS,
            page_obj=Paginator(found.calls, CALLS_AT_ONCE).get_page(request.GET.get("page")),
            silent=silent[:MOST_SILENT],
            more_silent=max(0, len(silent) - MOST_SILENT),
        )


def _silent(found: Landscape) -> list[Place]:
    """Return the instances that call nobody and are called by nobody."""
    heard = {each.pk for call in found.calls for each in (call.caller, call.called)}
    return [each for each in found.instances if each.pk not in heard]


class InstanceCalls(ObjectView):
    """The calls of one instance, for the card on its page."""

    queryset = INSTANCES
    permission = "instance.view"
    template_name = "landscape/calls.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return whom it calls, and who calls it."""
        self.object = self.get_object()
        found = environment_landscape(user=request.user, environment=self.environment)
        return self.page(
            calls=[call for call in found.calls if call.caller.pk == self.object.pk],
            called_by=[call for call in found.calls if call.called.pk == self.object.pk],
        )


class CallersEdit(EditPage):
    """Say as which client applications an API calls others."""

    queryset = INSTANCES
    permission = "instance.change"
    template_name = "landscape/callers.html"
    form_class = CallersForm
    rest = Rest("PUT", "/api-instances/{object.pk}/callers/")
    service = callers_set
    object_name = "instance"
    parents = (("APIs", "apis:list"),)
    message = "Saved. The map shows its calls."

    def page_title(self) -> str:
        """Name the instance."""
        return f"How {self.object} calls other APIs"

    def form_arguments(self) -> dict[str, Any]:
        """Begin with those that are known."""
        chosen = list(self.object.callers.values_list("application_id", flat=True))
        find = self.request.GET.get("find", "").strip()[:80]
        return {"instance": self.object, "find": find, "initial": {"applications": chosen}}

    def success_url(self, result: Any) -> str:
        """Go back to the instance."""
        return self.object.get_absolute_url()
