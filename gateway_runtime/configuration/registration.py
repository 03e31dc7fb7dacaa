"""Reading `registration.yaml`, the identity and credentials of this gateway."""

import os
import stat
from base64 import b64decode
from binascii import Error as Base64Error
from pathlib import Path

import msgspec
import yaml

from gateway_runtime.schema.envelope import GatewayKeys
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.replica import Registration

KEY_BYTES = 32


class RegistrationError(Exception):
    """The registration cannot be used. The message is one sentence for the operator."""


def read_registration(path: Path) -> Registration:
    """Read and check a registration file. Raises `RegistrationError`; its message never quotes the content."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read()
    except OSError as error:
        raise RegistrationError(
            f"The registration {path} cannot be read: {error.strerror}. “portico gateway register” makes it."
        ) from error
    if stat.S_IMODE(mode) & 0o077:
        raise RegistrationError(f"The registration {path} can be read by others. Run: chmod 600 {path}")
    try:
        registration: Registration = convert(yaml.safe_load(content), Registration)
    except yaml.YAMLError as error:
        raise RegistrationError(f"The registration {path} is not valid YAML. Register again.") from error
    except ConfigFault as fault:
        where = f" at “{fault.path}”" if fault.path else ""
        raise RegistrationError(f"The registration {path} is not complete{where}: {fault.message}") from fault
    keys = {"verify_key": [registration.verify_key], "encrypt_key": [registration.encrypt_key]}
    for name, values in (keys | {"previous_encrypt_keys": registration.previous_encrypt_keys}).items():
        if not all(map(_is_key, values)):
            raise RegistrationError(f"“{name}” in the registration {path} is not a key. Register again.")
    if not registration.gateway:
        raise RegistrationError(f"“gateway” in the registration {path} is empty. Register again.")
    if registration.redis_url.partition("://")[0] not in {"redis", "rediss", "unix"}:
        raise RegistrationError(
            f"“redis_url” in the registration {path} must begin with redis://, rediss:// or unix://."
        )
    return registration


def gateway_keys(registration: Registration) -> GatewayKeys:
    """Return what opens this gateway's revisions."""
    return GatewayKeys(
        verify=registration.verify_key,
        encrypt=registration.encrypt_key,
        previous=registration.previous_encrypt_keys,
    )


def _is_key(value: str) -> bool:
    try:
        return len(b64decode(value, validate=True)) == KEY_BYTES
    except (Base64Error, ValueError):
        return False


def encode_registration(registration: Registration) -> bytes:
    """Return the content of a registration file."""
    return yaml.safe_dump(msgspec.to_builtins(registration), sort_keys=False).encode()
