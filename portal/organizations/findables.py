"""People and environments in the console's search, and the sidebar's icons for the pages it leads to."""

from collections.abc import Iterator
from typing import Any

from portal.core.find import page_icon
from portal.core.findables import Deed, Entries, Findable, Found, register
from portal.core.links import console_url
from portal.organizations.models import Environment, RoleBinding
from portal.organizations.navigation import ITEMS


def _environments(request: Any) -> Iterator[Found]:
    """Lead to the other environments that the person may see."""
    places = Environment.objects.visible_to(request.user, "environment.view").select_related("organization")
    for place in places.exclude(pk=request.environment.pk):
        note = f"{place.organization.name} · {place.get_kind_display()}"
        yield Found(f"Go to {place.name}", console_url(place, "console_home"), note, "stack-2")


def _outside(request: Any) -> Iterator[Found]:
    """Lead to the parts of the sidebar that are not of the console."""
    for item in ITEMS:
        if not item.console:
            yield Found(item.title, item.address(), "", item.icon)


register(Entries(name="environments", title="Environments", list=_environments, order=15))
register(Entries(name="outside", title="Elsewhere", list=_outside, order=90))
register(
    Findable(
        name="person",
        title="People",
        icon="user",
        permission="people.view",
        environment_lookup="",
        queryset=RoleBinding.objects.select_related("user", "environment", "custom_role"),
        fields=("user__name", "user__email"),
        label=lambda binding: str(binding.user),
        note=lambda binding: f"{binding.user.email} · {binding.title}",
        url=lambda request, binding: console_url(request, "organizations:people") + f"?q={binding.user.email}",
        deeds=(
            Deed(
                "Change role of {name}",
                "people.change",
                lambda request, binding: console_url(request, "organizations:role_change", binding.pk),
            ),
        ),
        order=60,
    )
)
for _item in ITEMS:
    page_icon(_item.url_name, _item.icon)
