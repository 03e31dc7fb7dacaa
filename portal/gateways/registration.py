"""The registration file: what a gateway must hold to fetch and open its revisions."""

import os
import tempfile
from pathlib import Path

import msgspec
from django.conf import settings

from gateway_runtime.schema.replica import Registration
from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway


def registration_of(gateway: Gateway) -> Registration:
    """Return the identity and credentials of a gateway. Secret: it opens the gateway's configuration."""
    return Registration(
        gateway=str(gateway.pk),
        name=gateway.slug,
        redis_url=settings.REDIS_URL,
        verify_key=gateway.verify_key,
        encrypt_key=gateway.encrypt_key,
    )


def registration_write(*, gateway: Gateway, path: Path) -> bool:
    """Write `registration.yaml`, readable by its owner only. Return False when it was there already as it must be."""
    content = msgspec.yaml.encode(registration_of(gateway))
    try:
        if path.is_file() and path.read_bytes() == content and path.stat().st_mode & 0o777 == 0o600:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        # Replaced in one step, so that a gateway that starts now never reads half a file; mkstemp makes it mode 0600.
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ApplicationError(
            "registration_unwritable",
            f"The registration cannot be written to {path}: {error.strerror or error}. Choose another file.",
        ) from error
    return True
