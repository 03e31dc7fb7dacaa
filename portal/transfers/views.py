"""The console's pages about exporting."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.apis.models import ApiInstance
from portal.core.denied import Denied
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.selections import selection_of
from portal.core.views import ConsoleView
from portal.transfers.export import Exported, exported_instances, instances_export, resource_names
from portal.transfers.export_services import MOST_INSTANCES, instances_hand_out
from portal.transfers.forms import ExportForm

ABOVE = (("APIs", "apis:list"),)


def file_answer(exported: Exported, name: str) -> HttpResponse:
    """Answer with a file that is to be saved."""
    response = HttpResponse(exported.text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.yaml"'
    response["Cache-Control"] = "no-store"
    return response


class InstancesExport(ConsoleView):
    """The chosen instances as a file: to be read here, or saved. `?instance=` names each."""

    template_name = "transfers/export.html"
    queryset = exported_instances(ApiInstance.objects)
    permission = "policy.view"
    title = "Export"
    parents = ABOVE

    def chosen(self) -> list[ApiInstance]:
        """Return the instances of the address; 404 where one of them is not there for the user."""
        if not self.held_here(self.permission):
            raise Denied(self.permission, self.title)
        asked = selection_of(self.request)
        if not asked or len(asked) > MOST_INSTANCES:
            raise Http404
        found = list(self.get_queryset().filter(pk__in=asked))
        if len(found) != len(asked):
            raise Http404
        return found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what the file is going to be; where nothing is chosen, lead to where that is done."""
        if self.held_here(self.permission) and not request.GET:
            return redirect(console_url(request, "apis:list"))
        chosen = self.chosen()
        given = "shown" in request.GET
        form = ExportForm(request.GET if given else None)
        options = form.cleaned_data if given and form.is_valid() else {}
        try:
            exported, fault = instances_export(chosen, **options), None
        except ApplicationError as error:
            exported, fault = None, error
        return self.page(form=form, chosen=chosen, exported=exported, fault=fault, options=options)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Hand the file out."""
        chosen, form = self.chosen(), ExportForm(request.POST)
        form.is_valid()
        try:
            exported = instances_hand_out(actor=request.user, instances=chosen, **form.cleaned_data)
        except ApplicationError as error:
            return self.page(
                status=422, form=form, chosen=chosen, exported=None, fault=error, options=form.cleaned_data
            )
        return file_answer(exported, file_name(chosen))


def file_name(instances: list[ApiInstance]) -> str:
    """Return how the file of some instances is named."""
    names = list(resource_names(instances).values())
    return names[0] if len(names) == 1 else f"{len(names)}-apis"
