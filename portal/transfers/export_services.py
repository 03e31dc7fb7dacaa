"""Handing an export out: it is recorded, since what leaves the console can be used elsewhere."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from portal.apis.models import ApiInstance
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.transfers.export import Exported, instances_export

MOST_INSTANCES = 500


@transaction.atomic
def instances_hand_out(
    *,
    actor: Any,
    instances: Iterable[ApiInstance],
    tiers: bool = False,
    contracts: bool = False,
    automated: bool = False,
) -> Exported:
    """Return instances as a file and record for each that it was exported."""
    chosen = list(instances)
    chosen_check(chosen)
    exported = instances_export(chosen, tiers=tiers, contracts=contracts, automated=automated)
    for instance in chosen:
        audit_record(
            actor=actor,
            action="instance.export",
            target=instance,
            message=f"Exported {instance}",
            after={"tiers": tiers, "contracts": contracts, "automated": automated},
        )
    return exported


def chosen_check(instances: list[ApiInstance]) -> None:
    """Raise `ApplicationError` where nothing is chosen, or more than is done at once."""
    if not instances:
        sentence = "Choose at least one API instance."
        raise ApplicationError("nothing_chosen", sentence, fields={"instances": sentence})
    if len(instances) > MOST_INSTANCES:
        sentence = f"Choose at most {MOST_INSTANCES} API instances at once."
        raise ApplicationError("too_many_chosen", sentence, fields={"instances": sentence})
