"""The console's pages about how machines become replicas of a gateway."""

from typing import Any

from django import forms
from django.http import HttpResponse

from portal.core.commands import Rest
from portal.core.forms import ConsoleForm
from portal.core.views import ActionView, ConsoleView, EditPage
from portal.gateways.forms import GatewayCreateForm
from portal.gateways.models import Gateway
from portal.gateways.registration_commands import registration_platforms
from portal.gateways.registration_services import registration_renew, registration_revoke
from portal.gateways.registration_tokens import NewRegistrationToken, registration_token_create
from portal.gateways.services import gateway_create

WITH_PLACE = Gateway.objects.select_related("environment__organization")


def token_page(view: ConsoleView, made: NewRegistrationToken) -> HttpResponse:
    """Answer with a token and its commands: the answer to the form is the only place in which it ever stands."""
    gateway = made.gateway
    view.template_name = "gateways/registration_token.html"  # type: ignore[misc]
    view.object = gateway
    page = view.page(
        title=f"Start a replica of {gateway}",
        breadcrumbs=[*view.breadcrumbs(), (str(gateway), gateway.get_absolute_url())],
        actions=[],
        token=made.secret,
        expires_at=made.expires_at,
        platforms=registration_platforms(gateway, made.secret),
        place="gateway",
    )
    page["Cache-Control"] = "no-store"
    return page


class GatewayCreate(EditPage):
    """Add a gateway with its first listener, and show at once how its first replica is started."""

    rest = Rest("POST", "/gateways/")
    queryset = WITH_PLACE
    permission = "gateway.change"
    title = "Add gateway"
    parents = (("Gateways", "gateways:list"),)
    form_class = GatewayCreateForm
    service = gateway_create
    submit_label = "Add gateway"
    message = "The gateway is there. Start its first replica with one of these commands."

    def service_arguments(self) -> dict[str, Any]:
        """Create it in the environment of the address."""
        return {"environment": self.environment}

    def saved(self, result: Gateway) -> HttpResponse:
        """Show the commands."""
        return token_page(self, registration_token_create(actor=self.request.user, gateway=result))


class RegistrationTokenCreate(ActionView):
    """Make a token for a further replica, and show it."""

    rest = Rest("POST", "/gateways/{object.pk}/registration-tokens/", body=False)
    queryset = WITH_PLACE
    permission = "gateway.change"
    parents = (("Gateways", "gateways:list"),)
    service = registration_token_create

    def done(self, result: NewRegistrationToken) -> HttpResponse:
        """Show the commands."""
        return token_page(self, result)


class RenewForm(ConsoleForm):
    """When registrations from before end."""

    at_once = forms.BooleanField(required=False)


class RegistrationRenew(RegistrationTokenCreate):
    """Replace password and key, and show the token with which the first machine registers again."""

    rest = Rest("POST", "/gateways/{object.pk}/renew/")
    service = registration_renew
    form_class = RenewForm
    message = "The registration of {object} is renewed. Register every replica again."


class RegistrationRevoke(ActionView):
    """Put all replicas of a gateway out of service."""

    rest = Rest("POST", "/gateways/{object.pk}/revoke/", body=False)
    queryset = WITH_PLACE
    permission = "gateway.change"
    service = registration_revoke
    message = "The registration of {object} is revoked. Its replicas stop serving."
