"""The console's pages of automated policies: the list, the choice, the form, and where one applies."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import cached_property

from gateway_runtime.policies.registry import all_definitions, definition
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.policy import PolicyDefinition
from portal.apis.labels import labels_text
from portal.apis.models import ApiInstance
from portal.core.commands import Rest
from portal.core.denied import Denied
from portal.core.links import console_url
from portal.core.views import ActionView, ConsoleView, DetailPage, ObjectView
from portal.organizations.models import Environment
from portal.policies import automated_services as services
from portal.policies import ordering, selectors
from portal.policies.coverage import coverage_of
from portal.policies.declarative import automated_file
from portal.policies.form_pages import PolicyFormPage
from portal.policies.models import AutomatedPolicy
from portal.policies.settings import policy_title, secret_settings
from portal.policies.views import PlaceForm

AUTOMATED = AutomatedPolicy.objects.select_related("environment__organization")
ABOVE = (("Automated policies", "automated_policies:list"),)


class AutomatedList(ConsoleView):
    """The automated policies of the environment in the order in which they act."""

    queryset = AUTOMATED
    permission = "policy.view"
    template_name = "policies/automated_list.html"
    title = "Automated policies"
    subtitle = "Applied to every API instance of this environment that matches, before the instances’ own policies."

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the list with how many instances each one covers."""
        if not self.held_here(self.permission):
            raise Denied(self.permission, self.title)
        return self.page(**list_context(self.environment, list(self.get_queryset())))


def list_context(
    environment: Environment, automated: list[AutomatedPolicy], moved: AutomatedPolicy | None = None
) -> dict[str, Any]:
    """Return an environment's automated policies with how many instances each one covers."""
    known = {policy.name: policy for policy in all_definitions()}
    ordered = ordering.in_order(automated)
    counted = selectors.instances_selected(environment, ordered)
    rows = [
        {
            "place": place,
            "applied": place.row,
            "policy": known.get(place.row.policy),
            "count": counted[place.row.pk],
        }
        for place in ordering.listed(ordered)
    ]
    return {"rows": rows, "said": "" if moved is None else ordering.said_place(ordered, moved)}


class AutomatedChoice(ConsoleView):
    """All policies by category, with search."""

    queryset = AUTOMATED
    permission = "policy.change"
    template_name = "policies/choice.html"
    title = "Add automated policy"
    parents = ABOVE

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the policies; `?q=` narrows them."""
        if not self.held_here(self.permission):
            raise Denied(self.permission, self.title)
        query = request.GET.get("q", "").strip()
        return self.page(groups=selectors.choice_groups(query), query=query)


class _AutomatedForm(PolicyFormPage):
    queryset = AUTOMATED
    object_name = "automated"
    automated = True
    parents = ABOVE
    message = "Saved. Every gateway concerned takes it over within a second."

    def success_url(self, result: Any) -> str:
        """Go to where it applies."""
        return str(result.get_absolute_url())

    def cancel_url(self) -> str:
        """Return the page above."""
        return self.object.get_absolute_url() if self.object else console_url(self.request, "automated_policies:list")

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Lead back to the list, and to the policy that is edited."""
        above = [("Automated policies", console_url(self.request, "automated_policies:list"))]
        if self.object is not None:
            above.append((policy_title(self.object.policy), self.object.get_absolute_url()))
        return above


class AutomatedApply(_AutomatedForm):
    """Apply a policy to every instance that matches."""

    rest = Rest("POST", "/automated-policies/")
    service = services.automated_policy_apply
    submit_label = "Apply"

    @cached_property
    def policy(self) -> PolicyDefinition:
        """Return the policy of the address."""
        try:
            return definition(self.kwargs["policy"])
        except ConfigFault as fault:
            raise Http404(fault.message) from fault

    def page_title(self) -> str:
        """Say which policy."""
        return f"Apply {self.policy.title} automatically"

    def shown_config(self) -> dict[str, Any] | None:
        """Return the example when it was asked for."""
        return self.policy.example if "example" in self.request.GET else None

    def service_arguments(self) -> dict[str, Any]:
        """Add the policy's name and the environment."""
        return {"policy": self.policy.name, "environment": self.environment, **super().service_arguments()}


class AutomatedEdit(_AutomatedForm):
    """Change settings, selector and mode."""

    rest = Rest("PATCH", "/automated-policies/{object.pk}/")
    service = services.automated_policy_update

    @cached_property
    def policy(self) -> PolicyDefinition:
        """Return the policy's definition."""
        try:
            return definition(self.object.policy)
        except ConfigFault as fault:
            raise Http404(fault.message) from fault

    def page_title(self) -> str:
        """Say which policy."""
        return f"Edit automated {self.policy.title}"

    def shown_config(self) -> dict[str, Any] | None:
        """Return the present settings, or the example when it was asked for."""
        return self.policy.example if "example" in self.request.GET else self.object.config

    def present_arguments(self) -> dict[str, Any]:
        """Compare with the saved settings, also where the example is shown."""
        return {**self.form_arguments(), "config": self.object.config}

    def shown_when(self) -> dict[str, Any]:
        """Return the present selector and mode."""
        return {"mode": self.object.mode, "selector": labels_text(self.object.selector).splitlines()}

    def kept(self) -> dict[str, Any]:
        """Return the stored secrets."""
        return secret_settings(self.object)


class AutomatedDetail(DetailPage):
    """Which instances an automated policy covers, and which not and why."""

    queryset = AUTOMATED
    permission = "policy.view"
    template_name = "policies/automated_detail.html"
    parents = ABOVE
    place = "automated_policy"

    def page_title(self) -> str:
        """Say which policy."""
        return policy_title(self.object.policy)

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add the instances."""
        instances = ApiInstance.objects.visible_to(self.request.user, "instance.view")
        coverage = coverage_of(self.object, instances)
        return super().get_context(
            coverage=coverage,
            covered=sum(row.covered for row in coverage),
            gateways=sorted({row.instance.gateway for row in coverage if row.covered}, key=str),
            file=automated_file(self.object),
            **context,
        )


class _AutomatedAction(ObjectView):
    queryset = AUTOMATED
    permission = "policy.change"
    object_name = "automated"


class AutomatedEnable(_AutomatedAction, ActionView):
    """Switch it on."""

    rest = Rest("PATCH", "/automated-policies/{object.pk}/", adds={"enabled": True})
    service = services.automated_policy_enable


class AutomatedDisable(_AutomatedAction, ActionView):
    """Switch it off."""

    rest = Rest("PATCH", "/automated-policies/{object.pk}/", adds={"enabled": False})
    service = services.automated_policy_disable


class AutomatedEnforce(_AutomatedAction, ActionView):
    """Let one that was tried out act."""

    rest = Rest("PATCH", "/automated-policies/{object.pk}/")
    service = services.automated_policy_update

    def service_arguments(self) -> dict[str, Any]:
        """Return the mode."""
        return {"mode": Mode.ENFORCE}


class AutomatedRemove(_AutomatedAction, ActionView):
    """Take it away."""

    rest = Rest("DELETE", "/automated-policies/{object.pk}/")
    service = services.automated_policy_remove

    def success_message(self, result: Any) -> str:
        """Say which one went."""
        return f"Automated {policy_title(self.object.policy)} is removed."

    def after(self, result: Any) -> str:
        """Go to the list."""
        return console_url(self.request, "automated_policies:list")


class _AutomatedMove(_AutomatedAction, ActionView):
    """Under htmx the list is replaced where it stands."""

    no_command = "Over REST a policy has its place by the number `order`."

    def after(self, result: Any) -> str:
        """Go back to the list."""
        return console_url(self.request, "automated_policies:list")

    def done(self, result: Any) -> HttpResponse:
        """Answer with the new list."""
        if not getattr(self.request, "htmx", False):
            return super().done(result)
        context = list_context(self.environment, list(self.get_queryset()), result)
        return render(self.request, "policies/automated_rows.html", context)


class AutomatedEarlier(_AutomatedMove):
    """Move it up."""

    service = services.automated_policy_move

    def service_arguments(self) -> dict[str, Any]:
        """Return the direction."""
        return {"earlier": True}


class AutomatedLater(_AutomatedMove):
    """Move it down."""

    service = services.automated_policy_move

    def service_arguments(self) -> dict[str, Any]:
        """Return the direction."""
        return {"earlier": False}


class AutomatedPlace(_AutomatedMove):
    """Put it where it was dragged to."""

    service = services.automated_policy_place
    form_class = PlaceForm
