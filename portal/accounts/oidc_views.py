"""The two addresses of single sign-on: going to the provider and coming back."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from portal.accounts.oidc import callback_url
from portal.accounts.oidc_provider import provider
from portal.core.errors import ApplicationError

REFUSED = "Your sign-on provider did not let you in. Try again, or sign in with a password."


class SignOn(OIDCAuthenticationRequestView):
    """Sends the browser to the provider."""

    def __init__(self, **kwargs: Any) -> None:
        # The base class would read endpoints that are only known after discovery.
        super(OIDCAuthenticationRequestView, self).__init__(**kwargs)
        self.OIDC_RP_CLIENT_ID = settings.OIDC_RP_CLIENT_ID

    @property
    def OIDC_OP_AUTH_ENDPOINT(self) -> str:
        """Return where people sign on."""
        return provider().authorization

    def get(self, request: HttpRequest) -> HttpResponse:
        """Begin; say so when the provider is away."""
        try:
            return super().get(request)
        except ApplicationError as error:
            messages.error(request, error.message)
            return redirect("accounts:sign_in")

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        """Come back to the address of our settings."""
        return {"redirect_uri": callback_url()}


class SignOnCallback(OIDCAuthenticationCallbackView):
    """Takes the provider's answer and signs in."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Sign in, or go back to the sign-in page with the reason."""
        if request.GET.get("iss", settings.OIDC_ISSUER) != settings.OIDC_ISSUER:
            # RFC 9207: the answer of another provider must not be taken for ours.
            return self.login_failure()
        try:
            return super().get(request)
        except ApplicationError as error:
            messages.error(request, error.message)
            return redirect("accounts:sign_in")
        except SuspiciousOperation:
            # An old or foreign `state`: typically the Back button.
            return self.login_failure()

    def login_failure(self) -> HttpResponse:
        """Go back to the sign-in page."""
        messages.error(self.request, REFUSED)
        return redirect("accounts:sign_in")
