"""API instances in the console's search."""

from collections.abc import Callable
from typing import Any

from portal.apis.models import ApiInstance
from portal.core.findables import Deed, Findable, register
from portal.core.links import console_url


def instance_page(url_name: str) -> Callable[[Any, Any], str]:
    """Return what leads from an instance to one of its pages."""
    return lambda request, instance: console_url(request, url_name, instance.pk)


# Higher apps have pages of an instance too; an address is only made when it is shown.
register(
    Findable(
        name="instance",
        title="APIs",
        icon="api",
        permission="instance.view",
        queryset=ApiInstance.objects.select_related("api_version__api", "environment__organization", "gateway"),
        fields=("api_version__api__name", "api_version__version", "label", "base_path"),
        note=lambda instance: f"{instance.base_path} on {instance.gateway.name}",
        deeds=(
            Deed("Apply policy to {name}", "policy.change", instance_page("policies:add")),
            Deed("Order of policies of {name}", "policy.view", instance_page("policies:list")),
            Deed("Settings of {name}", "instance.change", instance_page("apis:settings")),
            Deed("Add route to {name}", "instance.change", instance_page("apis:route_create")),
            Deed("Add service to {name}", "instance.change", instance_page("apis:service_create")),
            Deed("Add tier to {name}", "tier.change", instance_page("contracts:tier_create")),
            Deed("Trace {name}", "traffic.trace", instance_page("traces:start")),
            Deed("Traffic of {name}", "traffic.view", instance_page("analytics:instance")),
            Deed("Stop {name}", "instance.change", instance_page("apis:detail")),
            Deed("Start {name}", "instance.change", instance_page("apis:detail")),
            Deed("Delete {name}", "instance.change", instance_page("apis:delete")),
        ),
        order=20,
    )
)
