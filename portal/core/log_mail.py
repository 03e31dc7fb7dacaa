"""Mail for a machine without a mail server: its text goes to the log, where whoever set the machine up reads it."""

import logging
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

log = logging.getLogger("portal.mail")


class EmailBackend(BaseEmailBackend):
    """Writes every mail as one line of the log."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write them, and return how many."""
        for message in email_messages:
            log.info(
                "mail: %s", message.subject, extra={"to": message.to, "subject": message.subject, "text": message.body}
            )
        return len(email_messages)
