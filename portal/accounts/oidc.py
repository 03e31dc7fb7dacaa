"""Single sign-on by OpenID Connect: checks what the provider says and finds the person it vouches for."""

import logging
from typing import Any

import jwt
import requests
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from portal.accounts.models import User
from portal.accounts.oidc_provider import fetch, provider
from portal.accounts.services import user_sign_on
from portal.accounts.sign_on_reactions import signed_on

logger = logging.getLogger(__name__)

# How far the provider's clock may differ from ours.
LEEWAY_SECONDS = 30


def is_sign_on(request: HttpRequest, credentials: dict[str, Any] | None) -> bool:
    """Tell whether an authentication is a single sign-on and no password."""
    return credentials is not None and "code_verifier" in credentials


def callback_url() -> str:
    """Return where the provider sends the browser back to: by our settings, never by a request's Host."""
    return settings.PORTAL_URL + reverse("accounts:sign_on_callback")


class SingleSignOnBackend(OIDCAuthenticationBackend):
    """The code flow with PKCE. Nothing is asked of the provider before somebody uses it."""

    def __init__(self) -> None:
        # The base class would read endpoints that are only known after discovery.
        self.UserModel = get_user_model()
        self.OIDC_RP_CLIENT_ID = settings.OIDC_RP_CLIENT_ID
        self.OIDC_RP_CLIENT_SECRET = settings.OIDC_RP_CLIENT_SECRET

    @property
    def OIDC_OP_TOKEN_ENDPOINT(self) -> str:
        """Return where a code becomes tokens."""
        return provider().token

    def authenticate(self, request: HttpRequest, *, nonce: str, code_verifier: str) -> User | None:
        """Return the person, or None when the provider's answer does not hold.

        Both arguments are required, so that Django never tries this with a password's credentials.
        """
        try:
            return super().authenticate(request, nonce=nonce, code_verifier=code_verifier)
        except (requests.RequestException, jwt.PyJWTError, SuspiciousOperation) as error:
            logger.warning("Single sign-on refused: %s", type(error).__name__, exc_info=error)
            return None

    def get_token(self, payload: dict[str, Any]) -> Any:
        """Exchange the code."""
        return super().get_token(payload | {"redirect_uri": callback_url()})

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """Return the claims of an ID token made by our provider, for us, for this very sign-in, still valid."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in settings.OIDC_ALGORITHMS:
            raise jwt.InvalidAlgorithmError("The ID token is signed by an algorithm that is not accepted.")
        claims = jwt.decode(
            token,
            self._signing_key(header),
            algorithms=list(settings.OIDC_ALGORITHMS),
            audience=settings.OIDC_RP_CLIENT_ID,
            issuer=settings.OIDC_ISSUER,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        if not kwargs.get("nonce") or claims.get("nonce") != kwargs["nonce"]:
            raise SuspiciousOperation("The ID token was not made for this sign-in.")
        if claims.get("azp", settings.OIDC_RP_CLIENT_ID) != settings.OIDC_RP_CLIENT_ID:
            raise SuspiciousOperation("The ID token was made for another client.")
        return claims

    @staticmethod
    def _signing_key(header: dict[str, Any]) -> jwt.PyJWK:
        for key in fetch(provider().jwks).get("keys", []):
            if key.get("kty") not in ("RSA", "EC") or key.get("use", "sig") != "sig":
                continue
            if key.get("kid") == header.get("kid") and key.get("alg", header["alg"]) == header["alg"]:
                return jwt.PyJWK(key, algorithm=header["alg"])
        raise SuspiciousOperation("The ID token is signed by a key that the provider does not publish.")

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        """Find or create the person by issuer and subject."""
        claims = payload
        named = settings.OIDC_GROUPS_CLAIM
        if "email" not in claims or (named and named not in claims):
            told = fetch(provider().userinfo, headers={"Authorization": f"Bearer {access_token}"})
            if told.get("sub") != payload["sub"]:
                raise SuspiciousOperation("The provider spoke of another person than the ID token.")
            claims = told | payload
        with transaction.atomic():
            user = user_sign_on(
                issuer=payload["iss"],
                subject=payload["sub"],
                email=str(claims.get("email", "")),
                email_verified=claims.get("email_verified") is True or settings.OIDC_TRUST_EMAIL,
                name=str(claims.get("name", ""))[:120],
            )
            if named and user.is_active:
                signed_on(user=user, issuer=payload["iss"], groups=groups_of(claims.get(named)))
        return user


def groups_of(claim: Any) -> frozenset[str]:
    """Return the groups that a claim tells of: a list of names, or one name. What is anything else is no group."""
    names = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return frozenset(name for name in names if isinstance(name, str) and name)
