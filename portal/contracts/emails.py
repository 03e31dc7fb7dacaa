"""Mail about contracts: to those who decide when access is asked for, to the developer when it is decided."""

import logging
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string

from portal.contracts.models import Contract, ContractStatus
from portal.contracts.selectors import approvers_of

logger = logging.getLogger(__name__)
MOST_RECIPIENTS = 20


def _one_line(text: str) -> str:
    # A name with a line break must not become a second mail header.
    return " ".join(text.split())


def _send(*, template: str, subject: str, recipients: Iterable[str], context: dict[str, Any]) -> None:
    body = render_to_string(template, {**context, "portal_url": settings.PORTAL_URL})
    for address in recipients:
        try:
            EmailMessage(subject=_one_line(subject), body=body, to=[address]).send()
        except Exception:
            # The decision stands whether or not its mail arrives.
            logger.exception("Mail about a contract could not be sent")


def _send_on_commit(**mail: Any) -> None:
    transaction.on_commit(lambda: _send(**mail), robust=True)


def contract_requested_mail(contract: Contract) -> None:
    """Tell the approvers that somebody waits, or the developer that access was granted at once."""
    if contract.status == ContractStatus.ACTIVE:
        contract_decided_mail(contract, "approve")
        return
    approvers = approvers_of(contract.instance.environment).exclude(pk=contract.application.owner_id)
    _send_on_commit(
        template="contracts/email/requested.txt",
        subject=f"{contract.application} asks for access to {contract.instance}",
        recipients=list(approvers.values_list("email", flat=True)[:MOST_RECIPIENTS]),
        context={"contract": contract},
    )


def contract_decided_mail(contract: Contract, action: str) -> None:
    """Tell the owner of the application what became of a contract."""
    outcome = {"approve": "approved", "reject": "rejected", "revoke": "revoked", "restore": "restored"}[action]
    _send_on_commit(
        template="contracts/email/decided.txt",
        subject=f"Access of {contract.application} to {contract.instance}: {outcome}",
        recipients=[contract.application.owner.email],
        context={"contract": contract, "outcome": outcome},
    )
