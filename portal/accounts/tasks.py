"""Mail about accounts, sent by a worker so that no answer's time tells what was done; housekeeping of sessions."""

from celery import shared_task

from portal.accounts.password_reset import password_reset_mail
from portal.accounts.session_services import sessions_forget


@shared_task(name="accounts.password_reset_mail", ignore_result=True)
def mail_password_reset(email: str, request_id: str) -> None:
    """Mail a link to choose a new password."""
    password_reset_mail(email=email, request_id=request_id)


@shared_task(name="accounts.forget_sessions")
def forget_sessions() -> None:
    """Delete the sessions that are over."""
    sessions_forget()
