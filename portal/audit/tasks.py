"""Housekeeping of what is kept for undo."""

from celery import shared_task

from portal.audit.undo import undo_forget


@shared_task(name="audit.forget_undo")
def forget_undo() -> None:
    """Delete what is too old to be undone."""
    undo_forget()
