"""What the configured OpenID provider offers, found out at first use."""

import time
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings

from portal.core.errors import ApplicationError

REMEMBERED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider's endpoints."""

    authorization: str
    token: str
    userinfo: str
    jwks: str
    # Where a browser ends its session there; empty where the provider offers that not, or was not asked.
    end_session: str = ""


_remembered: tuple[float, str, Provider] | None = None


def provider() -> Provider:
    """Return the provider's endpoints. Raises `ApplicationError` when it cannot be reached or is another."""
    global _remembered
    now = time.monotonic()
    if _remembered is not None and _remembered[0] > now and _remembered[1] == settings.OIDC_ISSUER:
        return _remembered[2]
    endpoints = {name: url for name, url in settings.OIDC_ENDPOINTS.items() if url}
    if len(endpoints) < len(settings.OIDC_ENDPOINTS):
        endpoints = _discovered() | endpoints
    found = Provider(**endpoints)
    _remembered = (now + REMEMBERED_SECONDS, settings.OIDC_ISSUER, found)
    return found


def fetch(url: str, **arguments: Any) -> dict[str, Any]:
    """Return a JSON object of the provider. Redirects are not followed: its endpoints are where it said."""
    response = requests.get(url, timeout=settings.OIDC_TIMEOUT, allow_redirects=False, **arguments)
    response.raise_for_status()
    body = response.json()
    if not isinstance(body, dict):
        raise requests.exceptions.InvalidJSONError("not an object", response=response)
    return body


def _discovered() -> dict[str, str]:
    try:
        document = fetch(settings.OIDC_ISSUER.rstrip("/") + "/.well-known/openid-configuration")
        if document["issuer"] != settings.OIDC_ISSUER:
            raise ApplicationError(
                "sign_on_wrong_issuer",
                "The sign-on provider calls itself by another name than the one configured. "
                "Ask who runs Portico to set PORTICO_OIDC_ISSUER to exactly its issuer.",
                status=503,
            )
        return {
            "authorization": document["authorization_endpoint"],
            "token": document["token_endpoint"],
            "userinfo": document["userinfo_endpoint"],
            "jwks": document["jwks_uri"],
            "end_session": str(document.get("end_session_endpoint") or ""),
        }
    except (requests.RequestException, KeyError, ValueError) as error:
        raise ApplicationError(
            "sign_on_unavailable",
            "The sign-on provider cannot be reached. Try again in a minute, or sign in with a password.",
            status=503,
        ) from error
