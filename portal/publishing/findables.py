"""Revisions in the console's search."""

from portal.core.findables import Findable, register
from portal.publishing.models import Revision

register(
    Findable(
        name="revision",
        title="Revisions",
        icon="history",
        permission="revision.view",
        queryset=Revision.objects.defer("envelope", "sections").select_related("gateway__environment__organization"),
        fields=("number", "gateway__name", "message"),
        label=lambda revision: f"Revision {revision.number} of {revision.gateway.name}",
        note=lambda revision: revision.message,
        order=70,
    )
)
