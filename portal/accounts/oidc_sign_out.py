"""Signing out at the provider too (RP-initiated logout): else it lets the next person at a computer in unasked."""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest
from django.urls import reverse

from portal.accounts.oidc_provider import provider
from portal.core.errors import ApplicationError

BACKEND = "portal.accounts.oidc.SingleSignOnBackend"
# Where the session keeps the ID token: the provider knows by it which of its sessions to end.
ID_TOKEN = "oidc_id_token"  # noqa: S105 - a name


def provider_sign_out_url(request: HttpRequest) -> str:
    """Return where the browser ends its session at the provider; "" where it has none, or the provider cannot.

    Asked before our own session ends. A provider that is away never keeps somebody signed in here.
    """
    if not settings.OIDC_ENABLED or request.session.get(BACKEND_SESSION_KEY) != BACKEND:
        return ""
    try:
        address = provider().end_session
    except ApplicationError:
        return ""
    # An address for a link is taken only as the provider's own kind: never `javascript:`.
    if not address.startswith(("https://", "http://")):
        return ""
    values = {
        "client_id": settings.OIDC_RP_CLIENT_ID,
        "post_logout_redirect_uri": settings.PORTAL_URL + reverse("accounts:sign_in"),
    }
    if token := request.session.get(ID_TOKEN):
        values["id_token_hint"] = token
    return f"{address}{'&' if '?' in address else '?'}{urlencode(values)}"
