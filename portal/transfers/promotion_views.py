"""The console's page about bringing instances to another environment."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from portal.apis.models import ApiInstance
from portal.core.denied import Denied
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.selections import selection_of
from portal.core.views import ConsoleView, go
from portal.transfers.import_forms import VARIABLE
from portal.transfers.import_services import Imported
from portal.transfers.promotion import instances_promote, promoted_instances
from portal.transfers.promotion_forms import PromotionForm
from portal.transfers.sealed import sealed, unsealed


class InstancesPromote(ConsoleView):
    """Choose where to and what, look at the differences, promote. `?instance=` or `?chosen=` name the instances."""

    template_name = "transfers/promote.html"
    queryset = promoted_instances(ApiInstance.objects)
    permission = "policy.view"
    title = "Promote"
    parents = (("APIs", "apis:list"),)
    chosen: list[ApiInstance]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the instances; 404 where one of them is not there for the user."""
        if request.user.is_authenticated:
            if not self.held_here(self.permission):
                raise Denied(self.permission, self.title)
            asked = selection_of(request)
            if request.method == "GET" and not request.GET:
                # Where they are chosen.
                return redirect(console_url(request, "apis:list"))
            self.chosen = list(self.get_queryset().filter(pk__in=asked))
            if not self.chosen or len(self.chosen) != len(asked):
                raise Http404
        return super().dispatch(request, *args, **kwargs)

    def form(self, data: Any = None, **more: Any) -> PromotionForm:
        """Return the form about the chosen instances."""
        return PromotionForm(data, instances=self.chosen, user=self.request.user, **more)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask where to and what."""
        return self.promote_page(self.form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what would be another, or promote."""
        form = self.form(request.POST)
        if not form.is_valid():
            return self.promote_page(form, status=422)
        variables = unsealed(request.user, request.POST.get("sealed", "")) | form.variables()
        try:
            told = instances_promote(
                actor=request.user,
                instances=self.chosen,
                gateway=form.cleaned_data["gateway"],
                port=form.cleaned_data["port"],
                parts=form.parts(),
                urls=form.urls(),
                variables=variables,
                dry_run="run" not in request.POST,
            )
        except ApplicationError as error:
            form.add_application_error(error)
            return self.promote_page(form, status=422)
        if told.done:
            gateway = form.cleaned_data["gateway"]
            messages.success(request, f"Promoted to {gateway.environment.name}: {told.changing} changed.")
            target = told.changes[0].instance if len(told.changes) == 1 else None
            return go(request, target.get_absolute_url() if target else console_url(gateway, "apis:list"))
        data = request.POST.copy()
        for name in [name for name in data if name.startswith(VARIABLE)]:
            del data[name]
        again = self.form(data, missing=told.missing)
        status = 200 if told.possible else 422
        return self.promote_page(again, told, status=status, sealed=sealed(request.user, variables))

    def promote_page(
        self, form: PromotionForm, told: Imported | None = None, status: int = 200, **context: Any
    ) -> HttpResponse:
        """Answer with the form, and with what it would do."""
        cancel = self.chosen[0].get_absolute_url() if len(self.chosen) == 1 else console_url(self.request, "apis:list")
        nowhere = not form.fields["gateway"].queryset.exists()  # type: ignore[attr-defined]
        return self.page(
            status=status, form=form, told=told, chosen=self.chosen, nowhere=nowhere, cancel_url=cancel, **context
        )
