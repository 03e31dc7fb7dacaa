"""The form of a route: which requests, and where they go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, cast

import msgspec
from django import forms

from gateway_runtime.schema.policy import setting
from portal.apis.models import ApiInstance, Route, Service
from portal.apis.route_services import Way
from portal.apis.rules import RuleForm, shown_rules, typed_rules
from portal.apis.selectors import DEFAULT_SERVICE
from portal.core.setting_forms.controls import Control
from portal.core.setting_forms.form import SettingsForm
from portal.core.setting_forms.outline import Rows, Section, outline


class WayForm(msgspec.Struct, frozen=True, kw_only=True):
    """One destination as it is typed."""

    service: Annotated[str, setting("Service", "Who answers.")]
    weight: Annotated[int, setting("Weight", "Its share beside further destinations.", ge=1, le=100)] = 1
    path: Annotated[
        str,
        setting(
            "Path before the request’s", "Put after the service’s own path. Empty for none.", placeholder="/v2",
            max_length=300,
        ),
    ] = ""  # fmt: skip


class _RouteSettings(msgspec.Struct, frozen=True, kw_only=True):
    rules: Annotated[
        list[RuleForm],
        setting(
            "Conditions",
            "A request takes this route when any one of these holds; without any, every request. A path pattern with "
            "groups forwards only what these catch.",
        ),
    ] = []
    destinations: Annotated[
        list[WayForm],
        setting("Destinations", "Of several, each request goes to one of them by chance.", min_length=1),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ServicePick(Control):
    """One of the instance's services."""

    services: tuple[tuple[str, str], ...]

    def field(self, *, kept: bool = False) -> forms.Field:
        """Return a list of them by name."""
        return forms.ChoiceField(**self.names(), choices=self.services)


def _outline(services: Sequence[Service]) -> Section:
    rules, ways = (cast(Rows, node) for node in outline(_RouteSettings).nodes)
    pick, *rest = ways.item.nodes
    # The main one first: it is what a new destination begins with.
    ordered = sorted(services, key=lambda service: (service.name != DEFAULT_SERVICE, service.name))
    choices = tuple((str(service.pk), service.name) for service in ordered)
    named = _ServicePick(setting=pick.setting, type=cast(Control, pick).type, services=choices)
    item = Section(setting=ways.item.setting, nodes=(named, *rest))
    return Section(setting=rules.setting, nodes=(rules, replace(ways, item=item)))


class RouteForm(SettingsForm):
    """Which requests go to which services of an instance. `settings` has what the form begins with."""

    name = forms.CharField(max_length=80, help_text="For example orders only.")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        instance: ApiInstance,
        settings: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.services = {str(service.pk): service for service in instance.services.all()}
        outlines = {"": _outline(list(self.services.values()))}
        super().__init__(data, files, outlines=outlines, settings=settings or {}, **kwargs)

    def clean(self) -> dict[str, Any]:
        """Return conditions and destinations as services take them."""
        super().clean()
        typed = self.value_at()
        ways = [
            Way(service=self.services[way["service"]], weight=way.get("weight", 1), path=way.get("path", ""))
            for way in typed["destinations"]
            if way.get("service") in self.services
        ]
        return {"name": self.cleaned_data.get("name"), "rules": typed_rules(typed["rules"]), "destinations": ways}


def shown_route(route: Route) -> dict[str, Any]:
    """Return a route as its form shows it."""
    ways = [
        {"service": str(way.service_id), "weight": way.weight, "path": way.path} for way in route.destinations.all()
    ]
    return {"": {"rules": shown_rules(route.rules), "destinations": ways}}
