"""What the page of an API instance shows of its calls: a card that asks for them once the page is there."""

from typing import Any

from django.http import HttpRequest


def calls_panel(request: HttpRequest, instance: Any) -> dict[str, Any]:
    """Return as whom the instance calls others. Whom it calls is compared with a whole environment, and comes later."""
    return {"callers": list(instance.callers.select_related("application"))}
