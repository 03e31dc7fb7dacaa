"""Where API instances show on the pages of gateways and catalog APIs."""

from typing import Any

from django.http import HttpRequest

from portal.apis.models import ApiInstance
from portal.apis.selectors import instances_for_list
from portal.catalog.models import Api
from portal.core import panels
from portal.gateways.models import Gateway
from portal.organizations.models import Environment

SHOWN = 20
SHOWN_ON_HOME = 8


def _of_gateway(request: HttpRequest, gateway: Gateway) -> dict[str, Any]:
    rows = ApiInstance.objects.visible_to(request.user, "instance.view").filter(gateway=gateway)
    return {"instances": instances_for_list(rows)[:SHOWN]}


def _of_api(request: HttpRequest, api: Api) -> dict[str, Any]:
    rows = ApiInstance.objects.visible_to(request.user, "instance.view").filter(api_version__api=api)
    return {"instances": instances_for_list(rows)[:SHOWN], "versions": api.versions.all()}


def _of_environment(request: HttpRequest, environment: Environment) -> dict[str, Any]:
    rows = ApiInstance.objects.visible_to(request.user, "instance.view").filter(environment=environment)
    return {"instances": instances_for_list(rows)[:SHOWN_ON_HOME], "total": rows.count()}


def panels_register() -> None:
    """Add the cards and the settings tab."""
    panels.register(
        "home",
        name="instances",
        template="apis/panel_home.html",
        context=_of_environment,
        permission="instance.view",
        order=20,
    )
    panels.register(
        "gateway",
        name="instances",
        template="apis/panel_gateway.html",
        context=_of_gateway,
        permission="instance.view",
        order=30,
    )
    panels.register(
        "api", name="instances", template="apis/panel_api.html", context=_of_api, permission="instance.view", order=30
    )
    panels.register_tab(
        "instance",
        name="settings",
        title="Settings",
        url_name="apis:settings",
        icon="settings",
        permission="instance.change",
        order=90,
    )
