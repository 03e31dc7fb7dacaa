"""Mail about accounts that is sent by a worker, so that nobody can tell from an answer's time what was done."""

from celery import shared_task

from portal.accounts.password_reset import password_reset_mail


@shared_task(name="accounts.password_reset_mail", ignore_result=True)
def mail_password_reset(email: str, request_id: str) -> None:
    """Mail a link to choose a new password."""
    password_reset_mail(email=email, request_id=request_id)
