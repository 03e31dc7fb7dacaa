"""What the page of an API instance shows of moving it."""

from typing import Any

from django.http import HttpRequest


def move_panel(request: HttpRequest, instance: Any) -> dict[str, Any]:
    """Return nothing besides the instance: what it offers are links."""
    return {}
