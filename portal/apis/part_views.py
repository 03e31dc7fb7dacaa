"""The console's pages about the routes and services of an instance."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render

from portal.apis import route_services, service_services
from portal.apis.models import Route, Service
from portal.apis.route_form import RouteForm, shown_route
from portal.apis.selectors import routes_in_order
from portal.apis.service_form import PLACE, ServiceForm
from portal.apis.service_settings import SECRET, service_secrets
from portal.apis.views import ABOVE, INSTANCES, InstancePage
from portal.core import ordering
from portal.core.commands import Rest
from portal.core.forms import ConsoleForm
from portal.core.setting_forms.pages import SettingsPage
from portal.core.setting_forms.secrets import with_placeholders
from portal.core.views import ActionView, ObjectView

ROUTES = Route.objects.select_related(
    "instance__environment__organization", "instance__api_version__api", "instance__gateway"
).prefetch_related("destinations__service")
SERVICES = Service.objects.select_related(
    "instance__environment__organization", "instance__api_version__api", "instance__gateway"
)


MOVED = "Over REST a route is moved by `place`, with its position."


class PartPage(ObjectView):
    """What pages of an instance's routes and services share."""

    permission = "instance.change"
    parents = ABOVE

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Lead back to the instance."""
        instance = self.object.instance
        return [*ObjectView.breadcrumbs(self), (str(instance), instance.get_absolute_url())]

    def history_of(self) -> Any:
        """Return the instance: changes of its parts are recorded as changes of it."""
        return self.object.instance


class RouteCreate(InstancePage, SettingsPage):
    """Add a route."""

    rest = Rest("POST", "/routes/", takes_object=True)
    template_name = "apis/route_form.html"
    permission = "instance.change"
    title = "Add route"
    form_class = RouteForm
    service = route_services.route_create
    submit_label = "Add route"
    message = "The route is added."

    def form_arguments(self) -> dict[str, Any]:
        """Offer the instance's services."""
        return {"instance": self.object}


class RouteEdit(PartPage, SettingsPage):
    """Change a route."""

    rest = Rest("PATCH", "/routes/{object.pk}/")
    template_name = "apis/route_form.html"
    queryset = ROUTES
    form_class = RouteForm
    service = route_services.route_update

    def page_title(self) -> str:
        """Name the route."""
        return f"Route {self.object.name}"

    def form_arguments(self) -> dict[str, Any]:
        """Begin with the present values."""
        return {
            "instance": self.object.instance,
            "settings": shown_route(self.object),
            "initial": {"name": self.object.name},
        }


class RouteDelete(PartPage, ActionView):
    """Remove a route."""

    rest = Rest("DELETE", "/routes/{object.pk}/")
    queryset = ROUTES
    service = route_services.route_delete
    message = "Route {object} is removed."


class PlaceForm(ConsoleForm):
    """Where a route was dragged to, counted from 0."""

    position = forms.IntegerField(min_value=0)


class _RouteMove(PartPage, ActionView):
    """A button that changes the order; under htmx the list is replaced where it stands."""

    queryset = ROUTES

    def done(self, result: Any) -> HttpResponse:
        """Answer with the new list."""
        if not getattr(self.request, "htmx", False):
            return super().done(result)
        instance = INSTANCES.get(pk=result.instance_id)
        ordered = routes_in_order(instance)
        said = ordering.said_place(ordered, result, result.name)
        context = {"object": instance, "routes": ordering.places(ordered), "said": said}
        return render(self.request, "apis/routes.html", context)


class RoutePlace(_RouteMove):
    """Put a route where it was dragged to."""

    no_command = MOVED
    service = route_services.route_place
    form_class = PlaceForm


class RouteEarlier(_RouteMove):
    """Let a route be tried earlier."""

    no_command = MOVED
    service = route_services.route_move

    def service_arguments(self) -> dict[str, Any]:
        """Return the direction."""
        return {"earlier": True}


class RouteLater(RouteEarlier):
    """Let a route be tried later."""

    service = route_services.route_move

    def service_arguments(self) -> dict[str, Any]:
        """Return the direction."""
        return {"earlier": False}


class ServiceCommand:
    """Shows a service's secrets as placeholders in its command."""

    def command_values(self) -> dict[str, Any]:
        """Return the values; secrets that are left as they are stay so by REST."""
        values = super().command_values()  # type: ignore[misc]
        return {**values, "settings": with_placeholders(values["settings"], SECRET)}


class ServiceCreate(ServiceCommand, InstancePage, SettingsPage):
    """Add a service."""

    rest = Rest("POST", "/services/", takes_object=True)
    template_name = "apis/service_form.html"
    permission = "instance.change"
    title = "Add service"
    form_class = ServiceForm
    service = service_services.service_create
    submit_label = "Add service"
    message = "The service is added. Add a route that leads to it."

    def form_arguments(self) -> dict[str, Any]:
        """Begin with the defaults."""
        return {}


class ServiceEdit(ServiceCommand, PartPage, SettingsPage):
    """Change a service."""

    rest = Rest("PATCH", "/services/{object.pk}/")
    template_name = "apis/service_form.html"
    queryset = SERVICES
    form_class = ServiceForm
    service = service_services.service_update
    message = "Saved. The gateway takes it over within a second."

    def page_title(self) -> str:
        """Name it without its address."""
        return f"Service {self.object.name}"

    def form_arguments(self) -> dict[str, Any]:
        """Begin with what is stored; secrets are left empty."""
        service = self.object
        return {
            "settings": {PLACE: service.settings},
            "kept": service_secrets(service),
            "initial": {"name": service.name, "url": service.url},
        }


class ServiceDelete(PartPage, ActionView):
    """Remove a service."""

    rest = Rest("DELETE", "/services/{object.pk}/")
    queryset = SERVICES
    service = service_services.service_delete
    message = "The service is removed."
