"""Mail in text and HTML, sent by a job so that no page waits for a mail server."""

import logging
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

log = logging.getLogger(__name__)


def mail_send(*, template: str, subject: str, recipients: Iterable[str], context: dict[str, Any]) -> None:
    """Send a mail of its own to each of some addresses; `template` names a `.txt` and a `.html` file.

    Without a broker it is sent at once. Whether it arrives changes nothing here: what it tells of has happened.
    """
    from portal.core.tasks import send_mail  # tasks are the interface above this

    line, text, html = _written(template, subject, context)
    for address in recipients:
        try:
            # Jobs are logged with their arguments, and a mail may hold a link that only its reader may have.
            args = [line, text, html, address]
            send_mail.apply_async(args=args, argsrepr="(a mail)", retry=False, ignore_result=True)
        except Exception as error:
            log.warning("A mail is sent without a job: %s", error)
            deliver(line, text, html, address)


def mail_send_here(*, template: str, subject: str, address: str, context: dict[str, Any]) -> None:
    """Send a mail in this process, which is a job: what only its reader may have does not lie in a queue."""
    deliver(*_written(template, subject, context), address)


def _written(template: str, subject: str, context: dict[str, Any]) -> tuple[str, str, str]:
    whole = {**context, "portal_url": settings.PORTAL_URL, "subject": subject}
    text, html = (render_to_string(f"{template}.{kind}", whole) for kind in ("txt", "html"))
    # A name with a line break must not become a second header.
    return " ".join(subject.split()), text, html


def deliver(subject: str, text: str, html: str, address: str) -> None:
    """Hand a mail to the mail server. One that does not take it is told of in the log."""
    try:
        message = EmailMultiAlternatives(subject=subject, body=text, to=[address])
        message.attach_alternative(html, "text/html")
        message.send()
    except Exception:
        log.exception("A mail could not be sent: %s", subject)
