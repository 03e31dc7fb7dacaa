"""Certificates that end soon, on the console's first page. Without any there is no card."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from portal.core import panels
from portal.gateways.certificate_selectors import certificate_expiry, certificates_ending
from portal.gateways.models import Certificate

SHOWN = 5


def _context(request: HttpRequest, environment: Any) -> dict[str, Any] | None:
    now = timezone.now()
    mine = Certificate.objects.visible_to(request.user, "gateway.view").filter(environment=environment)
    found = certificates_ending(mine.select_related("environment__organization").defer("private_key"), now)[:SHOWN]
    certificates = [(certificate, certificate_expiry(certificate, now)) for certificate in found]
    return {"certificates": certificates} if certificates else None


def panel_register() -> None:
    """Add the card."""
    panels.register(
        "home", name="certificates", template="certificates/panel_home.html", context=_context,
        permission="gateway.view", order=11,
    )  # fmt: skip
