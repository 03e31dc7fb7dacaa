"""Signing in to the REST interface with an API token: `Authorization: Bearer portico_pat_…`."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.accounts.models import ApiToken, User
from portal.accounts.tokens import digest_of, is_well_formed

# How exactly `last_used_at` is kept; a busy pipeline must not write a row with each request.
LAST_USED_EVERY = timedelta(minutes=1)


class ApiTokenAuthentication(BaseAuthentication):
    """Accepts a usable API token of an active person. `request.auth` is the token."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the person and the token; None when no bearer token was sent."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = self._find(secret.strip())
        if token is None:
            # One sentence for all reasons: a finder of an old token learns nothing about it.
            raise AuthenticationFailed(
                "This API token is not valid. It may be mistyped, revoked or expired: make a new one under Account.",
                code="api_token_invalid",
            )
        self._note_use(token)
        token.user.limit = token.limit
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        sent = request.headers.get("Authorization", "").lower().startswith("bearer")
        return 'Bearer realm="Portico", error="invalid_token"' if sent else 'Bearer realm="Portico"'

    @staticmethod
    def _find(secret: str) -> ApiToken | None:
        if not is_well_formed(secret):
            return None
        tokens = ApiToken.objects.usable().select_related("user")
        return tokens.filter(digest=digest_of(secret), user__is_active=True).first()

    @staticmethod
    def _note_use(token: ApiToken) -> None:
        now = timezone.now()
        if token.last_used_at is not None and token.last_used_at > now - LAST_USED_EVERY:
            return
        # The condition again in the database: of many requests at the same moment one writes.
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - LAST_USED_EVERY)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


class ApiTokenScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document describes it."""

    target_class = "portal.accounts.authentication.ApiTokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "portico_pat_…",
            "description": "An API token. Make one in the console under Account → API tokens.",
        }
