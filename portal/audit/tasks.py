"""Housekeeping of the audit trail, and of what is kept for undo."""

import logging

from celery import shared_task

from portal.audit.chain import audit_seal
from portal.audit.undo import undo_forget
from portal.audit.verification import audit_verify

log = logging.getLogger(__name__)


@shared_task(name="audit.forget_undo")
def forget_undo() -> None:
    """Delete what is too old to be undone."""
    undo_forget()


@shared_task(name="audit.seal")
def seal() -> None:
    """Give events their place that have none: whoever recorded them ended before."""
    audit_seal()


@shared_task(name="audit.verify")
def verify() -> None:
    """Look at the whole chain, and tell its end where logs are kept, which is outside of the database."""
    verdict = audit_verify()
    if verdict.count:
        log.error("audit_log_changed", extra={"faults": verdict.count, "first": verdict.faults[0]})
    else:
        log.info("audit_log_verified", extra={"entries": verdict.events, "end": str(verdict.end)})
