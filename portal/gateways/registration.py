"""The registration of a gateway: what it must hold to fetch and open its revisions, and how that is replaced."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from gateway_runtime.schema.envelope import new_encrypt_key
from gateway_runtime.schema.replica import Registration
from portal.gateways.access import access_url
from portal.gateways.models import Gateway
from portal.gateways.registration_models import GatewayCredential


def credential_current(gateway: Gateway) -> GatewayCredential | None:
    """Return what new registrations of a gateway get; None before the first one and after a revocation."""
    return gateway.credentials.filter(ends_at=None, ended_at=None).last()


def credential_create(*, gateway: Gateway, encrypt_key: str = "") -> GatewayCredential:
    """Make the gateway's next credential, with a password of its own."""
    last = gateway.credentials.last()
    return GatewayCredential.objects.create(
        gateway=gateway,
        number=last.number + 1 if last else 1,
        password=secrets.token_urlsafe(32),
        encrypt_key=encrypt_key or new_encrypt_key(),
    )


def credentials_end(*, gateway: Gateway, now: datetime, every: bool = False) -> bool:
    """End the credentials whose time has come, or all. Return whether revisions are sealed with another key now.

    They are sealed for the oldest credential that has not ended: the registrations of later ones hold its key, too.
    """
    live = list(gateway.credentials.filter(ended_at=None))
    over = [each for each in live if every or (each.ends_at is not None and each.ends_at <= now)]
    for credential in over:
        credential.ended_at = now
        credential.save(update_fields=["ended_at", "updated_at"])
    left = [each for each in live if each not in over]
    key = left[0].encrypt_key if left else new_encrypt_key()
    if not over or key == gateway.encrypt_key:
        return False
    gateway.encrypt_key = key
    gateway.save(update_fields=["encrypt_key", "updated_at"])
    return True


def registration_of(gateway: Gateway, credential: GatewayCredential) -> Registration:
    """Return the identity and credentials of a gateway. Secret: it opens the gateway's configuration."""
    older = gateway.credentials.filter(ended_at=None, number__lt=credential.number).order_by("-number")
    return Registration(
        gateway=str(gateway.pk),
        name=gateway.slug,
        redis_url=access_url(credential),
        verify_key=gateway.verify_key,
        encrypt_key=credential.encrypt_key,
        number=credential.number,
        previous_encrypt_keys=_keys(older),
    )


def _keys(credentials: Iterable[GatewayCredential]) -> list[str]:
    return [credential.encrypt_key for credential in credentials]


def registration_is_current(*, gateway: Gateway, path: Path) -> bool:
    """Tell whether a registration file is what `gateway` would be given now, besides keys that it needs no more."""
    credential = credential_current(gateway)
    try:
        found = msgspec.yaml.decode(path.read_bytes(), type=Registration)
    except (OSError, msgspec.MsgspecError):
        return False
    if credential is None:
        return False
    given = registration_of(gateway, credential)
    return found == msgspec.structs.replace(given, previous_encrypt_keys=found.previous_encrypt_keys)
