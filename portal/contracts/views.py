"""Console pages: contracts of an environment, and tiers of an instance."""

from functools import cached_property
from typing import Any

from django.db.models import Case, Value, When
from django.http import Http404

from portal.apis.models import ApiInstance
from portal.contracts import services
from portal.contracts.forms import TierForm
from portal.contracts.models import Contract, ContractStatus, SlaTier
from portal.contracts.services.contracts import transitions_from
from portal.contracts.tables import ContractConsoleFilters, ContractTable
from portal.core.commands import Rest
from portal.core.denied import Denied
from portal.core.links import console_url
from portal.core.views import ActionView, DetailPage, EditPage, Empty, ListPage, ObjectView

CONTRACTS = Contract.objects.select_related(
    "application__owner", "instance__api_version__api", "instance__environment__organization", "tier"
)


class ContractList(ListPage):
    """Who may call what, and who asks to."""

    queryset = CONTRACTS.annotate(decided=Case(When(status=ContractStatus.PENDING, then=Value(0)), default=Value(1)))
    permission = "contract.view"
    table = ContractTable
    template_name = "contracts/list.html"
    filters = ContractConsoleFilters
    search_fields = ("application__name", "application__owner__name", "application__client_id")
    title = "Client access"
    subtitle = "Contracts between client applications and the APIs of this environment."
    empty = Empty(
        title="No contracts yet",
        text="A contract lets one client application call one API. Developers request them in the developer hub, "
        "once an API is public there; requests that need a decision wait here.",
        icon="key",
    )


class ContractDetail(DetailPage):
    """One contract, with the decisions possible now."""

    queryset = CONTRACTS
    permission = "contract.view"
    template_name = "contracts/detail.html"
    parents = (("Client access", "contracts:list"),)

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add what can be decided."""
        return super().get_context(possible=transitions_from(self.object.status), **context)


class ContractDecision(ActionView):
    """A decision about a contract."""

    queryset = CONTRACTS
    permission = "contract.approve"
    success_url_name = "contracts:list"


class ContractApprove(ContractDecision):
    """Grant a request."""

    rest = Rest("POST", "/contracts/{object.pk}/approve/", body=False)
    service = services.contract_approve
    message = "Approved: {object}."


class ContractReject(ContractDecision):
    """Answer a request with no."""

    rest = Rest("POST", "/contracts/{object.pk}/reject/", body=False)
    service = services.contract_reject
    message = "Rejected: {object}."


class ContractRevoke(ContractDecision):
    """Take access away."""

    rest = Rest("POST", "/contracts/{object.pk}/revoke/", body=False)
    service = services.contract_revoke
    message = "Revoked: {object}."


class ContractRestore(ContractDecision):
    """Give access back."""

    rest = Rest("POST", "/contracts/{object.pk}/restore/", body=False)
    service = services.contract_restore
    message = "Restored: {object}."


class ContractDelete(ContractDecision):
    """Remove a contract that gives no access."""

    rest = Rest("DELETE", "/contracts/{object.pk}/")
    service = services.contract_delete
    message = "Deleted: {object}."


class TierPage(EditPage):
    """What adding and editing a tier share."""

    queryset = SlaTier.objects.select_related("instance__environment__organization", "instance__api_version__api")
    permission = "tier.change"
    view_permission = "contract.view"
    object_name = "tier"
    form_class = TierForm
    template_name = "contracts/tier_edit.html"
    parents = (("APIs", "apis:list"),)

    @cached_property
    def instance(self) -> ApiInstance:
        """Return the instance whose tier this is."""
        if self.object is not None:
            return self.object.instance
        found = ApiInstance.objects.filter(environment=self.environment, pk=self.kwargs["instance_pk"])
        if not found.visible_to(self.request.user, "instance.view").exists():
            raise Http404("There is no such API instance, or you may not see it.")
        if (instance := found.visible_to(self.request.user, self.permission).first()) is None:
            raise Denied(self.permission, self.title)
        return instance

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Lead back to the instance."""
        return [*ObjectView.breadcrumbs(self), (str(self.instance), self.cancel_url())]

    def cancel_url(self) -> str:
        """Lead back to the instance."""
        return console_url(self.request, "apis:detail", self.instance.pk)


class TierCreate(TierPage):
    """Offer a tier on an instance."""

    rest = Rest("POST", "/tiers/")
    service = services.tier_create
    title = "Add tier"
    submit_label = "Add tier"
    message = "The tier is offered."

    def service_arguments(self) -> dict[str, Any]:
        """Name the instance of the address."""
        return {"instance": self.instance}


class TierEdit(TierPage):
    """Change a tier."""

    rest = Rest("PATCH", "/tiers/{object.pk}/")
    service = services.tier_update
    title = "Edit tier"

    def form_arguments(self) -> dict[str, Any]:
        """Fill the form from the tier."""
        return {"tier": self.object}


class TierDelete(ActionView):
    """Withdraw a tier."""

    rest = Rest("DELETE", "/tiers/{object.pk}/")
    queryset = SlaTier.objects.select_related("instance__environment__organization")
    permission = "tier.change"
    view_permission = "contract.view"
    object_name = "tier"
    service = services.tier_delete
    message = "The tier {object} is deleted."
