"""The console's page about taking a file in: what it would change, then the change."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from portal.core.denied import Denied
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.permissions import scope_of
from portal.core.views import ConsoleView, go
from portal.gateways.models import Gateway
from portal.transfers.import_forms import VARIABLE, ImportForm
from portal.transfers.import_services import Imported, files_import
from portal.transfers.sealed import sealed, unsealed


def may_take_in(view: ConsoleView) -> str:
    """Return the first permission that taking instances in needs and the user does not hold here."""
    for permission in ("instance.change", "policy.change", "tier.change"):
        if not view.held_here(permission):
            return permission
    return ""


class InstancesImport(ConsoleView):
    """Upload or paste, look, import."""

    template_name = "transfers/import.html"
    permission = "instance.change"
    title = "Import"
    parents = (("APIs", "apis:list"),)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check that one may change instances, policies and tiers here."""
        if request.user.is_authenticated and (lacking := may_take_in(self)):
            raise Denied(lacking, self.title)
        return super().dispatch(request, *args, **kwargs)

    def gateways(self) -> Any:
        """Return the gateways of the environment."""
        return Gateway.objects.visible_to(self.request.user, "gateway.view").filter(environment=self.environment)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for the file."""
        return self.import_page(ImportForm(gateways=self.gateways()))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what would change, or change it."""
        form = ImportForm(request.POST, request.FILES, gateways=self.gateways())
        if not form.is_valid():
            return self.import_page(form, status=422)
        files, running = form.given(), "run" in request.POST
        variables = unsealed(request.user, request.POST.get("sealed", "")) | form.variables()
        try:
            told = files_import(
                actor=request.user,
                gateway=form.cleaned_data["gateway"],
                files=files,
                variables=variables,
                dry_run=not running,
                may_create_apis=scope_of(request.user, "api.change").covers(self.environment.organization_id),
            )
        except ApplicationError as error:
            form.add_application_error(error)
            return self.import_page(form, status=422)
        if told.done:
            messages.success(request, f"Imported: {told.changing} of {len(told.changes)} changed.")
            return go(request, console_url(request, "apis:list"))
        status = 200 if told.possible else 422
        again = self.shown_again(form, files, told)
        return self.import_page(again, told, status=status, sealed=sealed(request.user, variables))

    def shown_again(self, form: ImportForm, files: list[tuple[str, bytes]], told: Imported) -> ImportForm:
        """Return the form with the file as text, since a browser does not choose it again, and what is to be set."""
        data = self.request.POST.copy()
        data["text"] = files[0][1].decode(errors="replace")
        for name in [name for name in data if name.startswith(VARIABLE)]:
            del data[name]
        return ImportForm(data, gateways=self.gateways(), missing=told.missing)

    def import_page(
        self, form: ImportForm, told: Imported | None = None, status: int = 200, **context: Any
    ) -> HttpResponse:
        """Answer with the form, and with what it would do."""
        cancel = console_url(self.request, "apis:list")
        return self.page(status=status, form=form, told=told, cancel_url=cancel, **context)
