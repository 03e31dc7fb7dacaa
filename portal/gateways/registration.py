"""The registration of a gateway: what it must hold to fetch and open its revisions."""

from pathlib import Path

import msgspec
from django.conf import settings

from gateway_runtime.schema.replica import Registration
from portal.gateways.models import Gateway


def registration_of(gateway: Gateway) -> Registration:
    """Return the identity and credentials of a gateway. Secret: it opens the gateway's configuration."""
    return Registration(
        gateway=str(gateway.pk),
        name=gateway.slug,
        redis_url=settings.GATEWAY_REDIS_URL,
        verify_key=gateway.verify_key,
        encrypt_key=gateway.encrypt_key,
    )


def registration_is_current(*, gateway: Gateway, path: Path) -> bool:
    """Tell whether a registration file is what `gateway` would be given now."""
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=Registration) == registration_of(gateway)
    except (OSError, msgspec.MsgspecError):
        return False
