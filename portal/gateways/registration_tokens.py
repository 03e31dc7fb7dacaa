"""One-time tokens: made by people who may change a gateway, exchanged by the machine that is to run it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from gateway_runtime.schema.replica import Registration
from portal.accounts.tokens import digest_of, hint_of, is_well_formed, new_token
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.gateways.access import access_grant
from portal.gateways.models import Gateway
from portal.gateways.registration import credential_create, credential_current, registration_of
from portal.gateways.registration_models import RegistrationToken

PREFIX = "portico_reg_"
LASTS = timedelta(hours=1)
# So long it is still known why an old one opens nothing.
REMEMBERED = timedelta(days=7)

_MAKE_ANOTHER = "Make a new one with Add replica on the gateway's page."


@dataclass(frozen=True, slots=True)
class NewRegistrationToken:
    """A token just made: the only moment in which anybody sees it."""

    gateway: Gateway
    secret: str
    expires_at: datetime


@transaction.atomic
def registration_token_create(*, actor: Any, gateway: Gateway) -> NewRegistrationToken:
    """Make a token with which one machine can register as a replica of `gateway`, within the hour."""
    now = timezone.now()
    gateway.registration_tokens.filter(expires_at__lt=now - REMEMBERED).delete()
    secret = new_token(PREFIX)
    token = RegistrationToken.objects.create(
        gateway=gateway,
        digest=digest_of(secret),
        hint=hint_of(secret),
        made_by=str(actor)[:254] if actor is not None else "Portico",
        expires_at=now + LASTS,
    )
    audit_record(
        actor=actor,
        action="registration_token.create",
        target=gateway,
        after={"token": token.hint, "expires_at": token.expires_at.isoformat()},
    )
    return NewRegistrationToken(gateway, secret, token.expires_at)


@transaction.atomic
def gateway_register(*, name: str, token: str, address: str = "") -> Registration:
    """Exchange a token for the registration of its gateway. Nothing but the token proves anything about the caller.

    A token that is refused stays as it was; a wrong name does not use it up.
    """
    found = _find(token)
    gateway = found.gateway
    if name.strip().lower() not in (gateway.slug, gateway.name.lower()):
        sentence = f"This token is for the gateway {gateway.slug}. Use that name, or the token of the gateway you mean."
        raise ApplicationError("registration_name_wrong", sentence, fields={"name": sentence})
    # Of two machines that ask at the same moment one finds no row any more.
    if not RegistrationToken.objects.filter(pk=found.pk, used_at=None).update(used_at=timezone.now()):
        raise _refusal("used")
    gateway = Gateway.objects.select_for_update().get(pk=gateway.pk)
    credential = credential_current(gateway) or credential_create(gateway=gateway, encrypt_key=gateway.encrypt_key)
    if gateway.revoked_at is not None:
        gateway.revoked_at = None
        gateway.save(update_fields=["revoked_at", "updated_at"])
    # Before the commit: without a user the registration would be good for nothing, and the token is not used up.
    access_grant(credential)
    where = f" from {address}" if address else ""
    audit_record(
        actor=None,
        action="gateway.register",
        target=gateway,
        message=f"With the token {found.hint} that {found.made_by} made{where}",
    )
    return registration_of(gateway, credential)


def _find(secret: str) -> RegistrationToken:
    """Return the usable token with this secret. It is looked for by its digest, so time tells nothing about others."""
    secret = secret.strip()
    found = None
    if is_well_formed(secret, PREFIX):
        tokens = RegistrationToken.objects.select_related("gateway__environment")
        found = tokens.filter(digest=digest_of(secret)).first()
    if found is None:
        raise _refusal("unknown")
    if found.used_at is not None:
        raise _refusal("used")
    if found.expired:
        raise _refusal("expired")
    return found


_SENTENCES = {
    "unknown": f"This registration token is not known. Copy it whole. {_MAKE_ANOTHER}",
    "used": f"This registration token was used already: each works once. {_MAKE_ANOTHER}",
    "expired": f"This registration token has expired: each lasts an hour. {_MAKE_ANOTHER}",
}


def _refusal(kind: str) -> ApplicationError:
    sentence = _SENTENCES[kind]
    return ApplicationError(f"registration_token_{kind}", sentence, fields={"token": sentence}, status=403)
