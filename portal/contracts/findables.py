"""Applications and contracts in the console's search."""

from typing import Any

from django.urls import reverse

from portal.contracts.models import ClientApplication, Contract
from portal.core.findables import Deed, Findable, register
from portal.core.links import console_url
from portal.core.permissions import rows_here


def _contracts(request: Any) -> Any:
    return rows_here(Contract.objects.all(), request.user, request.environment, "contract.view")


def _callers(request: Any) -> Any:
    """Return the applications with a contract here."""
    return ClientApplication.objects.filter(pk__in=_contracts(request).values("application")).select_related("owner")


register(
    Findable(
        name="application",
        title="Client applications",
        icon="apps",
        permission="contract.view",
        queryset=ClientApplication.objects,
        rows=_callers,
        fields=("name", "client_id"),
        note=lambda application: f"of {application.owner}",
        url=lambda request, application: console_url(request, "contracts:list") + f"?q={application.client_id}",
        order=50,
    )
)
register(
    Findable(
        name="own_application",
        title="My applications",
        icon="apps",
        permission="",
        queryset=ClientApplication.objects,
        rows=lambda request: ClientApplication.objects.owned_by(request.user),
        fields=("name", "client_id"),
        deeds=(
            Deed("Rotate secret of {name}", "", lambda request, application: application.get_absolute_url()),
            Deed(
                "Edit application {name}",
                "",
                lambda request, application: reverse("hub:application_edit", args=[application.pk]),
            ),
        ),
        order=51,
    )
)
register(
    Findable(
        name="contract",
        title="Contracts",
        icon="file-certificate",
        permission="contract.view",
        queryset=Contract.objects.select_related(
            "application", "instance__api_version__api", "instance__environment__organization", "tier"
        ),
        fields=("application__name", "instance__api_version__api__name", "instance__api_version__version"),
        note=lambda contract: contract.get_status_display(),
        deeds=(
            Deed("Approve {name}", "contract.approve", lambda request, contract: contract.get_absolute_url()),
            Deed("Revoke {name}", "contract.approve", lambda request, contract: contract.get_absolute_url()),
        ),
        order=55,
    )
)
