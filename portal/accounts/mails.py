"""Mail about accounts, as text and as HTML."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string


def account_mail(*, name: str, subject: str, to: str, context: dict[str, Any]) -> None:
    """Send `accounts/email/<name>` to one address. Links are made from the portal's own address."""
    context = {**context, "portal_url": settings.PORTAL_URL, "subject": subject}
    body = render_to_string(f"accounts/email/{name}.txt", context)
    mail = EmailMultiAlternatives(subject=subject, body=body, to=[to])
    mail.attach_alternative(render_to_string(f"accounts/email/{name}.html", context), "text/html")
    mail.send()
