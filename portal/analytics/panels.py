"""What analytics adds to the pages of lower apps."""

from typing import Any

from django.http import HttpRequest

from portal.analytics.ranges import quick_range
from portal.analytics.selectors import instance_traffic
from portal.apis.models import ApiInstance
from portal.core import panels
from portal.policies.selectors import shadow_policies
from portal.policies.settings import policy_title
from portal.traces.selectors import shadow_traces


def _shadows(request: HttpRequest, instance: ApiInstance) -> dict[str, Any] | None:
    """Return what policies in shadow mode would have done in the last day; nothing where none is and was."""
    figures = instance_traffic(user=request.user, instance=instance, time_range=quick_range("24h")).shadow
    running = [policy_title(name) for name in shadow_policies(instance)]
    if not running and not figures.calls:
        return None
    titles = [(policy_title(verdict.policy), verdict) for verdict in figures.verdicts]
    traces = bool(figures.calls) and shadow_traces(instance)
    return {"figures": figures, "verdicts": titles, "running": running, "traces": traces}


def panels_register() -> None:
    """Add the card about shadow mode to an instance's page, and to that of its policies."""
    for place in ("instance", "policies"):
        panels.register(
            place,
            name="shadows",
            template="analytics/panel_shadows.html",
            context=_shadows,
            permission="traffic.view",
            order=25,
        )
