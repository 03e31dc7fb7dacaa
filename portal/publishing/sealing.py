"""From a document to a sealed revision and back, with the keys of its gateway."""

from django.utils import timezone

from gateway_runtime.schema import document as schema
from gateway_runtime.schema import envelope
from portal.gateways.models import Gateway
from portal.publishing.errors import PublishError
from portal.publishing.models import Revision


def document_seal(gateway: Gateway, encoded: bytes, *, number: int, digest: str) -> bytes:
    """Return an encoded document encrypted and signed for `gateway`. Raises `PublishError`."""
    try:
        return envelope.seal(
            encoded,
            gateway=str(gateway.pk),
            revision=number,
            digest=digest,
            created_at=timezone.now().timestamp(),
            signing_key=gateway.signing_key,
            encrypt_key=gateway.encrypt_key,
        )
    except ValueError as error:
        raise PublishError(f"The keys of gateway {gateway} cannot be used: {error}.", permanent=True) from error


def revision_document(revision: Revision) -> schema.Document:
    """Return what a revision says. Raises `PublishError` when this gateway's keys do not open it."""
    gateway = revision.gateway
    older = [] if is_sealed_for_now(revision) else [each.encrypt_key for each in gateway.credentials.all()]
    gateway_keys = envelope.GatewayKeys(verify=gateway.verify_key, encrypt=gateway.encrypt_key, previous=older)
    try:
        _, data = envelope.unseal(bytes(revision.envelope), gateway=str(gateway.pk), keys=gateway_keys)
    except (envelope.EnvelopeError, ValueError) as error:
        raise PublishError(f"Revision {revision.number} cannot be opened: {error}", permanent=True) from error
    return schema.decode(data)


def is_sealed_for_now(revision: Revision) -> bool:
    """Tell whether the registrations that a gateway has now open a revision: a renewal brings another key."""
    gateway = revision.gateway
    gateway_keys = envelope.GatewayKeys(verify=gateway.verify_key, encrypt=gateway.encrypt_key)
    try:
        envelope.unseal(bytes(revision.envelope), gateway=str(gateway.pk), keys=gateway_keys)
    except (envelope.EnvelopeError, ValueError):
        return False
    return True
