"""Mail about contracts: to those who decide when access is asked for, to the developer when it is decided."""

from typing import Any

from django.conf import settings
from django.db import transaction

from portal.contracts.models import Contract, ContractStatus
from portal.contracts.selectors import approvers_of
from portal.core.mail import mail_send

OUTCOMES = {
    "approve": "approved",
    "reject": "rejected",
    "revoke": "revoked",
    "restore": "restored",
    "delete": "deleted",
}


def _send_on_commit(**mail: Any) -> None:
    transaction.on_commit(lambda: mail_send(**mail), robust=True)


def _address(thing: Any) -> str:
    return f"{settings.PORTAL_URL}{thing.get_absolute_url()}"


def contract_requested_mail(contract: Contract) -> None:
    """Tell the approvers that somebody waits, or the developer that access was granted at once."""
    if contract.status == ContractStatus.ACTIVE:
        contract_decided_mail(contract, "approve")
        return
    approvers = approvers_of(contract.instance.environment).exclude(pk=contract.application.owner_id)
    _send_on_commit(
        template="contracts/email/requested",
        subject=f"{contract.application} asks for access to {contract.instance}",
        recipients=list(approvers.values_list("email", flat=True)),
        context={"contract": contract, "address": _address(contract), "button": "Decide on it"},
    )


def contract_decided_mail(contract: Contract, action: str) -> None:
    """Tell the owner of the application what became of a contract."""
    outcome = OUTCOMES[action]
    _send_on_commit(
        template="contracts/email/decided",
        subject=f"Access of {contract.application} to {contract.instance}: {outcome}",
        recipients=[contract.application.owner.email],
        context={
            "contract": contract,
            "outcome": outcome,
            "address": _address(contract.application),
            "button": "Your application",
        },
    )


def contract_withdrawn_mail(contract: Contract) -> None:
    """Tell those who were asked that there is nothing to decide any more."""
    approvers = approvers_of(contract.instance.environment).exclude(pk=contract.application.owner_id)
    _send_on_commit(
        template="contracts/email/withdrawn",
        subject=f"{contract.application} asks no longer for access to {contract.instance}",
        recipients=list(approvers.values_list("email", flat=True)),
        context={"contract": contract},
    )
