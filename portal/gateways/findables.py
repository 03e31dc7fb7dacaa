"""Gateways in the console's search."""

from portal.core.findables import Deed, Findable, register
from portal.core.links import console_url
from portal.gateways.models import Gateway

register(
    Findable(
        name="gateway",
        title="Gateways",
        icon="building-bridge-2",
        permission="gateway.view",
        queryset=Gateway.objects.select_related("environment__organization"),
        fields=("name", "slug"),
        note=lambda gateway: gateway.public_host,
        deeds=(
            Deed(
                "Add listener to {name}",
                "gateway.change",
                lambda request, gateway: console_url(request, "gateways:listener_create", gateway.pk),
            ),
            Deed(
                "Edit gateway {name}",
                "gateway.change",
                lambda request, gateway: console_url(request, "gateways:edit", gateway.pk),
            ),
        ),
        order=40,
    )
)
