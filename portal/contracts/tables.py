"""Lists of contracts and how they are filtered."""

import django_filters

from portal.apis.models import ApiInstance
from portal.contracts.models import Contract, ContractStatus
from portal.core.filters import ConsoleFilterSet
from portal.core.long_select import LongChoiceFilter
from portal.core.tables import Column, Table


class ContractTable(Table):
    """Contracts of an environment; what waits for a decision comes first."""

    caption = "Contracts"
    columns = (
        Column("application.name", "Application", sort="application__name", link=True),
        Column("application.owner.name", "Owner", sort="application__owner__name"),
        Column("instance", "API", sort="instance__api_version__api__name"),
        Column("tier", "Tier", sort="tier__name"),
        Column(
            "status",
            "Status",
            sort="status",
            template="contracts/cell_status.html",
            text=lambda row: row.get_status_display(),
        ),
        Column("created_at", "Requested", sort="created_at"),
        Column("application.client_id", "Client ID", extra=True),
        Column("updated_at", "Changed", sort="updated_at", extra=True),
        Column("id", "Id", extra=True),
        Column("actions", "Actions", template="contracts/cell_actions.html", actions=True),
    )
    default_sort = ("decided", "-created_at")


class ContractConsoleFilters(ConsoleFilterSet):
    """Contracts in a state or of an instance."""

    status = django_filters.ChoiceFilter(choices=ContractStatus.choices, label="Status")
    instance = LongChoiceFilter(
        queryset=ApiInstance.objects.none(), label="Instance", named_by=ApiInstance.NAMED_BY, named=ApiInstance.named
    )

    class Meta:
        model = Contract
        fields = ["status", "instance"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        visible = ApiInstance.objects.visible_to(self.request.user, "instance.view")
        self.filters["instance"].queryset = visible.filter(environment=self.request.environment)
