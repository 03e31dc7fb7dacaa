"""Jobs that belong to no app."""

from celery import shared_task

from portal.core.mail import deliver


@shared_task(name="core.send_mail")
def send_mail(subject: str, text: str, html: str, address: str) -> None:
    """Hand a mail to the mail server."""
    deliver(subject, text, html, address)
