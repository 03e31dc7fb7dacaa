"""Replacing the registration of a gateway, and taking it away."""

import logging
from datetime import datetime, timedelta
from typing import Any

import redis
from django.db import transaction
from django.utils import timezone

from gateway_runtime.schema import revocation as notices
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.gateways.access import access_keep
from portal.gateways.models import Gateway
from portal.gateways.registration import credential_create, credential_current, credentials_end
from portal.gateways.registration_models import GatewayCredential, RegistrationToken, Revocation
from portal.gateways.registration_tokens import NewRegistrationToken, registration_token_create
from portal.gateways.signals import gateway_configuration_changed

log = logging.getLogger(__name__)

# How long machines have to register again before what they have ends.
OVERLAP = timedelta(hours=24)


@transaction.atomic
def registration_renew(*, actor: Any, gateway: Gateway, at_once: bool = False) -> NewRegistrationToken:
    """Replace password and key of a gateway. Return a token for the first machine that registers again.

    Registrations from before work for another day, or end at once. Replicas with such a one go on serving what they
    have in both cases; after the end they learn of no change any more.
    """
    gateway = Gateway.objects.select_for_update().get(pk=gateway.pk)
    current = credential_current(gateway)
    if current is None:
        raise ApplicationError(
            "gateway_not_registered", f"{gateway} is not registered. Use Add replica instead.", status=409
        )
    now = timezone.now()
    _tokens_end(gateway, now)
    made = credential_create(gateway=gateway)
    current.ends_at = now if at_once else now + OVERLAP
    current.save(update_fields=["ends_at", "updated_at"])
    if at_once:
        gateway.credentials.filter(ended_at=None, ends_at__gt=now).update(ends_at=now)
    audit_record(
        actor=actor,
        action="registration.renew",
        target=gateway,
        before={"registration": current.number},
        after={"registration": made.number, "older_ones_end_at": current.ends_at.isoformat()},
    )
    _finish(gateway, now, actor)
    return registration_token_create(actor=actor, gateway=gateway)


@transaction.atomic
def registration_revoke(*, actor: Any, gateway: Gateway) -> Gateway:
    """End every registration of a gateway. Its replicas are cut off, stop serving and forget what they have."""
    gateway = Gateway.objects.select_for_update().get(pk=gateway.pk)
    if gateway.revoked_at is not None:
        raise ApplicationError("gateway_revoked", f"{gateway} is revoked already.", status=409)
    if not gateway.credentials.exists():
        # What replicas from before there were any hold: its key still opens older revisions.
        credential_create(gateway=gateway, encrypt_key=gateway.encrypt_key)
    revocation_create(gateway)
    now = timezone.now()
    _tokens_end(gateway, now)
    gateway.revoked_at = now
    gateway.save(update_fields=["revoked_at", "updated_at"])
    credentials_end(gateway=gateway, now=now, every=True)
    audit_record(actor=actor, action="registration.revoke", target=gateway)
    # Revisions from now on are sealed with a key that no machine has yet.
    gateway_configuration_changed(
        gateway=gateway, actor=actor, message=f"Revoked the registration of {gateway}", waits=False
    )
    return gateway


def revocation_create(gateway: Gateway) -> Revocation:
    """Note that all registrations so far are over, and tell Redis when the transaction commits."""
    credentials = list(gateway.credentials.all())
    up_to = max((each.number for each in credentials), default=0)
    said = notices.Revocation(gateway=str(gateway.pk), up_to=up_to, at=timezone.now().timestamp())
    revocation = Revocation.objects.create(
        gateway_id=gateway.pk,
        notice=notices.sign_revocation(said, gateway.signing_key),
        users={each.user: each.password_digest for each in credentials},
    )
    transaction.on_commit(access_keep_now)
    return revocation


def registrations_expire(*, now: datetime | None = None) -> None:
    """End the credentials whose time is over since a renewal."""
    now = now or timezone.now()
    due = GatewayCredential.objects.filter(ended_at=None, ends_at__lte=now).values("gateway_id").distinct()
    for gateway in Gateway.objects.filter(pk__in=due):
        with transaction.atomic():
            _finish(Gateway.objects.select_for_update().get(pk=gateway.pk), now, None)


def access_keep_now() -> None:
    """Bring Redis up to date. Where that fails now, the job that runs every few seconds does it."""
    try:
        access_keep()
    except redis.RedisError as error:
        log.warning("The users of gateways in Redis wait for the next look: %s", error)


def _finish(gateway: Gateway, now: datetime, actor: Any) -> None:
    """End what is due, seal anew where that needs another key, and tell Redis."""
    if credentials_end(gateway=gateway, now=now):
        gateway_configuration_changed(
            gateway=gateway, actor=actor, message=f"Renewed the registration of {gateway}", waits=False
        )
    transaction.on_commit(access_keep_now)


def _tokens_end(gateway: Gateway, now: datetime) -> None:
    RegistrationToken.objects.filter(gateway=gateway, used_at=None, expires_at__gt=now).update(expires_at=now)
