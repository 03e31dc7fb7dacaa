"""The gateways of an environment on the console's first page."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from portal.core import panels
from portal.gateways.models import Gateway
from portal.gateways.selectors import gateway_status

SHOWN = 5


def _context(request: HttpRequest, environment: Any) -> dict[str, Any]:
    gateways = Gateway.objects.visible_to(request.user, "gateway.view").filter(environment=environment)
    now = timezone.now()
    shown = gateways.select_related("environment__organization").prefetch_related("replicas")[:SHOWN]
    return {"gateways": [(gateway, gateway_status(gateway, now)) for gateway in shown], "total": gateways.count()}


def panel_register() -> None:
    """Add the card."""
    panels.register(
        "home", name="gateways", template="gateways/panel_home.html", context=_context,
        permission="gateway.view", order=10,
    )  # fmt: skip
