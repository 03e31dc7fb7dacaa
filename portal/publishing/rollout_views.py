"""Staging on the console: how a gateway stages, staging what waits, and the candidate beside what all others get."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from portal.core.commands import Rest
from portal.core.denied import Denied
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.views import ActionView, ConsoleView, EditPage
from portal.gateways.models import Gateway
from portal.publishing import rollout_services
from portal.publishing.drift import gateways_drift
from portal.publishing.forms import PromoteForm, StagingForm, TrialForm
from portal.publishing.models import Rollout, RolloutState
from portal.publishing.panels import rollout_context
from portal.publishing.rollouts import open_rollout, staging_of, trial_values
from portal.publishing.views import OfGateway

OPEN = Rollout.objects.filter(state=RolloutState.OPEN).select_related(
    "gateway__environment__organization", "stable", "candidate"
)


class _TrialPage(EditPage):
    """A form about the gateway of the address."""

    template_name = "publishing/trial_form.html"
    queryset = Gateway.objects.select_related("environment__organization")
    permission = "gateway.publish"
    view_permission = "revision.view"
    parents = (("Gateways", "gateways:list"),)

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find the gateway under the name that its revisions have in the address."""
        super().setup(request, *args, pk=kwargs["gateway_pk"], **kwargs)

    def form_arguments(self) -> dict[str, Any]:
        """Begin with what the gateway does already."""
        staging = staging_of(self.object)
        return {
            "gateway": self.object,
            "initial": {**trial_values(staging), "stage_changes": staging.stage_changes},
        }

    def success_url(self, result: Any) -> str:
        """Return to the gateway."""
        return self.object.get_absolute_url()


class StagingEdit(_TrialPage):
    """What a save does on this gateway."""

    title = "How changes are published"
    rest = Rest("PATCH", "/gateways/{object.pk}/staging/")
    form_class = StagingForm
    service = rollout_services.staging_update


class RolloutStart(_TrialPage):
    """Stage what waits."""

    title = "Stage what waits"
    rest = Rest("POST", "/rollouts/", takes_object=True)
    form_class = TrialForm
    service = rollout_services.rollout_start
    submit_label = "Stage it"
    message = "Staged. The candidate is going out to those who get it first."


class RolloutEdit(_TrialPage):
    """Give the open candidate to others, or judge it otherwise."""

    title = "Who gets the candidate"
    rest = Rest("PATCH", "/rollouts/{view.rollout.pk}/")
    form_class = TrialForm

    def form_arguments(self) -> dict[str, Any]:
        """Begin with how it is now."""
        return {"gateway": self.object, "initial": trial_values(self.rollout)}

    def save(self, values: dict[str, Any]) -> Any:
        """Change the open rollout."""
        return rollout_services.rollout_update(rollout=self.rollout, actor=self.request.user, **values)

    @property
    def rollout(self) -> Rollout:
        """Return what is open now, 404 where nothing is."""
        rollout = open_rollout(self.object)
        if rollout is None:
            raise Http404("Nothing is staged on this gateway now.")
        return rollout


class _RolloutAction(OfGateway, ActionView):
    """A button about the open rollout of the gateway of the address."""

    queryset = OPEN
    permission = "gateway.publish"
    view_permission = "revision.view"
    title = "Staged change"

    def get_object(self) -> Any:
        """Return the open rollout."""
        if not self.held_here(self.permission) and self.gateway:
            raise Denied(self.permission, self.title)
        found = self.get_queryset(self.permission).first()
        if found is None:
            raise ApplicationError("rollout_ended", f"Nothing is staged on {self.gateway} any more.", status=409)
        return found

    def success_url(self, result: Any) -> str:
        """Return to the gateway, which says what holds now."""
        return self.object.get_absolute_url()


class RolloutPromote(_RolloutAction):
    """Give the candidate that was seen to all requests."""

    rest = Rest("POST", "/rollouts/{object.pk}/promote/")
    service = rollout_services.rollout_promote
    form_class = PromoteForm
    message = "Promoted. All requests get it now."


class RolloutUndo(_RolloutAction):
    """Take the candidate back."""

    rest = Rest("POST", "/rollouts/{object.pk}/undo/", body=False)
    service = rollout_services.rollout_undo
    message = "Undone. All requests get what they had, and the gateway is held on it."


class RolloutFragment(OfGateway):
    """The card of the staged change by itself, asked for every two seconds."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show how the candidate does, or that it has ended."""
        context = rollout_context(request, self.gateway)
        return render(request, "publishing/rollout.html", {"object": self.gateway, **(context or {"ended": True})})


class GatewayDriftPage(OfGateway):
    """Who runs what on one gateway, renewed every three seconds."""

    template_name = "publishing/drift.html"
    title = "Who runs what"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show its replicas."""
        return self.page(drift=gateways_drift(Gateway.objects.filter(pk=self.gateway.pk)), gateway=self.gateway)


class EnvironmentDriftPage(ConsoleView):
    """Who runs what on all gateways of the environment."""

    queryset = Gateway.objects.select_related("environment__organization")
    permission = "revision.view"
    template_name = "publishing/drift.html"
    title = "Who runs what"
    parents = (("Gateways", "gateways:list"),)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the replicas of every gateway."""
        if not self.held_here(self.permission):
            raise Denied(self.permission, self.title)
        drift = gateways_drift(self.get_queryset())
        return self.page(drift=drift, gateway=None, breadcrumbs=[("Gateways", console_url(request, "gateways:list"))])
