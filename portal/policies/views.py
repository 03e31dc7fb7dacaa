"""The policies of an API instance: the list, the choice of a policy, and the switches."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.schema.mode import Mode
from portal.apis.models import ApiInstance
from portal.core.commands import Rest
from portal.core.forms import ConsoleForm
from portal.core.links import console_url
from portal.core.views import ActionView
from portal.policies import ordering, selectors, services
from portal.policies.effective import policies_of
from portal.policies.instance_pages import INSTANCES, BindingView, InstancePage, pages_above
from portal.policies.models import PolicyBinding
from portal.policies.settings import policy_title

MOVED = "Over REST a policy has its place by the number `order`."


class PolicyList(InstancePage):
    """The applied policies in the order in which they act."""

    template_name = "policies/list.html"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the list."""
        self.object = self.get_object()
        return self.page(**list_context(self.object))

    def page_title(self) -> str:
        """Return the instance's name: the tab says what is shown."""
        return str(self.object)

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Return the way to the instance, whose name is the title."""
        return pages_above(self.request, self.object)[:1]


def list_context(instance: ApiInstance, moved: PolicyBinding | None = None) -> dict[str, Any]:
    """Return an instance's policies with their definitions (None for one that this version does not know)."""
    known = {policy.name: policy for policy in all_definitions()}
    found = policies_of(instance)
    own, automated = ordering.in_order(found.own), ordering.in_order(found.automated)
    applied = [
        {
            "place": place,
            "binding": place.row,
            "policy": known.get(place.row.policy),
            "set_aside": found.set_aside.get(place.row.pk),
        }
        for place in ordering.listed(own)
    ]
    said = "" if moved is None else ordering.said_place(own, moved)
    return {"applied": applied, "automated": [(each, known.get(each.policy)) for each in automated], "said": said}


class PolicyChoice(InstancePage):
    """All policies by category, with search."""

    template_name = "policies/choice.html"
    permission = "policy.change"
    title = "Add policy"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the policies; `?q=` narrows them."""
        self.object = self.get_object()
        query = request.GET.get("q", "").strip()
        return self.page(
            groups=selectors.choice_groups(query),
            query=query,
            applied=set(self.object.policies.values_list("policy", flat=True)),
        )


class _PolicyAction(BindingView, ActionView):
    """A button in the list; under htmx the list is replaced where it stands."""

    permission = "policy.change"
    # Whether the place of the policy is what the button changes.
    tells_place: ClassVar[bool] = False

    def after(self, result: Any) -> str:
        """Go back to the list."""
        return console_url(self.request, "policies:list", self.kwargs["instance_pk"])

    def done(self, result: Any) -> HttpResponse:
        """Answer with the new list, whose panel shows the change going out."""
        if not getattr(self.request, "htmx", False):
            return super().done(result)
        instance = INSTANCES.get(pk=self.kwargs["instance_pk"])
        context = {"object": instance, **list_context(instance, result if self.tells_place else None)}
        return render(self.request, "policies/applied.html", context)


class PolicyEnable(_PolicyAction):
    """Switch a policy on."""

    rest = Rest("POST", "/policy-bindings/{object.pk}/enable/", body=False)
    service = services.policy_enable


class PolicyEnforce(_PolicyAction):
    """Let a policy that was tried out act."""

    rest = Rest("PATCH", "/policy-bindings/{object.pk}/")
    service = services.policy_update

    def service_arguments(self) -> dict[str, Any]:
        """Return the mode."""
        return {"mode": Mode.ENFORCE}


class PolicyDisable(_PolicyAction):
    """Switch a policy off."""

    rest = Rest("POST", "/policy-bindings/{object.pk}/disable/", body=False)
    service = services.policy_disable


class PolicyRemove(_PolicyAction):
    """Take a policy away."""

    rest = Rest("DELETE", "/policy-bindings/{object.pk}/")
    service = services.policy_remove

    def success_message(self, result: Any) -> str:
        """Say which one went."""
        return f"{policy_title(self.object.policy)} is removed."


class PolicyEarlier(_PolicyAction):
    """Move a policy up."""

    no_command = MOVED
    service = ordering.policy_move
    tells_place = True

    def service_arguments(self) -> dict[str, Any]:
        """Return the direction."""
        return {"earlier": True}


class PolicyLater(PolicyEarlier):
    """Move a policy down."""

    service = ordering.policy_move

    def service_arguments(self) -> dict[str, Any]:
        """Return the direction."""
        return {"earlier": False}


class PlaceForm(ConsoleForm):
    """Where a policy was dragged to, counted from 0."""

    position = forms.IntegerField(min_value=0)


class PolicyPlace(_PolicyAction):
    """Put a policy where it was dragged to."""

    no_command = MOVED
    service = ordering.policy_place
    form_class = PlaceForm
    tells_place = True
