"""What the page of an API instance shows of moving it."""

from typing import Any

from django.http import HttpRequest

from portal.transfers.models import Promotion

SHOWN = 10


def move_panel(request: HttpRequest, instance: Any) -> dict[str, Any]:
    """Return where the instance was promoted to, and from where it came, as far as the user may see it."""
    visible = Promotion.objects.select_related(
        "source__api_version__api", "source__environment__organization", "source__gateway",
        "target__api_version__api", "target__environment__organization", "target__gateway",
    )  # fmt: skip
    to = visible.visible_to(request.user, "instance.view").filter(source=instance)[:SHOWN]
    origin = visible.filter(target=instance).first()
    if origin is not None and not type(instance).objects.visible_to(request.user, "instance.view").filter(
        pk=origin.source_id
    ):
        origin = None
    return {"promotions": to, "origin": origin}
