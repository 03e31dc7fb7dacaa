"""What the description of the REST API says about every endpoint, without each of them saying it."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from portal.core.api import CHANGING, ScopedViewSet

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=False,
    description="The ETag of what you have seen. When it was changed meanwhile, the answer is 409 with the difference.",
)


class PortalSchema(AutoSchema):
    """Says which requests take `If-Match`."""

    def get_override_parameters(self) -> list[Any]:
        """Add the header to what changes or removes a single object."""
        found: list[Any] = super().get_override_parameters()
        changes = self.method in CHANGING and isinstance(self.view, ScopedViewSet)
        return [*found, IF_MATCH] if changes else found
