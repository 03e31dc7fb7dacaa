"""Changes of certificates. The key comes in once and never goes out but to the gateways that serve it."""

from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.gateways.certificate_checks import certificate_checked
from portal.gateways.models import Certificate, Gateway
from portal.gateways.signals import gateway_configuration_changed
from portal.organizations.models import Environment


@transaction.atomic
def certificate_create(
    *, actor: Any, environment: Environment, chain: str, key: str, passphrase: str = "", name: str = ""
) -> Certificate:
    """Store a certificate with its key. Without a name it gets that of its first host."""
    certificate = Certificate(environment=environment)
    _fill(certificate, chain=chain, key=key, passphrase=passphrase)
    certificate.name = name.strip() or certificate.names[0][:80]
    _name_check(certificate)
    certificate.save_checked()
    audit_record(actor=actor, action="certificate.create", target=certificate, after=_state(certificate))
    return certificate


@transaction.atomic
def certificate_update(
    *,
    actor: Any,
    certificate: Certificate,
    name: str | None = None,
    chain: str | None = None,
    key: str | None = None,
    passphrase: str = "",
) -> Certificate:
    """Rename a certificate, or renew it for all listeners that use it. Without a new key the present one stays."""
    certificate = Certificate.objects.select_for_update().select_related("environment").get(pk=certificate.pk)
    before = _state(certificate)
    if name is not None and name.strip():
        certificate.name = name.strip()
        _name_check(certificate)
    renewed = bool(chain or key)
    if renewed:
        _fill(
            certificate,
            chain=chain or certificate.chain,
            key=key or certificate.private_key,
            passphrase=passphrase,
        )
    after = _state(certificate)
    if key:
        after["private_key"] = "new"
    if after == before:
        return certificate
    certificate.save_checked()
    audit_record(actor=actor, action="certificate.update", target=certificate, before=before, after=after)
    if renewed:
        for gateway in Gateway.objects.filter(listeners__certificates__certificate=certificate).distinct():
            # At once, wherever older listeners are served: one that is about to expire cannot wait.
            message = f"Renewed certificate {certificate}"
            gateway_configuration_changed(gateway=gateway, actor=actor, message=message, waits=False)
    return certificate


@transaction.atomic
def certificate_delete(*, actor: Any, certificate: Certificate) -> None:
    """Remove a certificate that nothing uses any more."""
    audit_record(actor=actor, action="certificate.delete", target=certificate, before=_state(certificate))
    try:
        certificate.delete()
    except ProtectedError as error:
        users = sorted({_user(found) for found in error.protected_objects})
        raise ApplicationError(
            "certificate_in_use",
            f"{certificate} is used by {', '.join(users[:5])}. Give them another certificate first.",
            status=409,
        ) from error


def _user(found: Any) -> str:
    """Return what uses a certificate, as people call it."""
    listener = getattr(found, "listener", None)
    return str(found) if listener is None else f"listener {listener.name} of {listener.gateway}"


def _fill(certificate: Certificate, *, chain: str, key: str, passphrase: str) -> None:
    checked = certificate_checked(chain=chain, key=key, passphrase=passphrase, now=timezone.now())
    certificate.chain, certificate.private_key = checked.chain, checked.key
    certificate.subject, certificate.issuer, certificate.names = checked.subject, checked.issuer, checked.names
    certificate.not_before, certificate.not_after = checked.not_before, checked.not_after
    certificate.fingerprint, certificate.key_type = checked.fingerprint, checked.key_type


def _name_check(certificate: Certificate) -> None:
    others = certificate.environment.certificates.filter(name__iexact=certificate.name).exclude(pk=certificate.pk)
    if others.exists():
        sentence = (
            f"There is already a certificate named {certificate.name} in {certificate.environment.name}. "
            "Renew that one, or choose another name."
        )
        raise ApplicationError("certificate_name_taken", sentence, fields={"name": sentence}, status=409)


def _state(certificate: Certificate) -> dict[str, Any]:
    return {
        "name": certificate.name,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": certificate.names,
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "fingerprint": certificate.fingerprint,
        "key_type": certificate.key_type,
    }
