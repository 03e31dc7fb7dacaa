"""Where traces show on the pages of API instances."""

from typing import Any

from django.http import HttpRequest

from portal.apis.models import ApiInstance
from portal.core import panels
from portal.traces.models import Trace

SHOWN = 5


def _recent(request: HttpRequest, instance: ApiInstance) -> dict[str, Any]:
    rows = Trace.objects.visible_to(request.user, "traffic.view").select_related("environment__organization")
    return {"recent": rows.filter(instance=str(instance.pk)).defer("detail").order_by("-at", "-pk")[:SHOWN]}


def panels_register() -> None:
    """Add the card and the tabs."""
    panels.register(
        "instance",
        name="traces",
        template="traces/panel_instance.html",
        context=_recent,
        permission="traffic.view",
        order=60,
    )
    panels.register_tab(
        "instance",
        name="traces",
        title="Traces",
        url_name="traces:instance",
        icon="list-search",
        permission="traffic.view",
        order=45,
    )
    panels.register_tab(
        "instance",
        name="rehearsal",
        title="Try a request",
        url_name="traces:rehearsal",
        icon="route",
        permission="traffic.trace",
        order=47,
    )
