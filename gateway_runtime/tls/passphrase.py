"""Private keys that are written down encrypted, as the plain PEM that everything else works with."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


class NotOpened(ValueError):
    """The key cannot be read with this passphrase."""


def plain_key(pem: str, passphrase: str) -> str:
    """Return a key without its passphrase. One that has none, or that is no key, stays as it is. Raises `NotOpened`."""
    if not passphrase or "ENCRYPTED" not in pem:
        return pem
    try:
        key = load_pem_private_key(pem.encode(), passphrase.encode(), unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise NotOpened("This passphrase does not open the key.") from None
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
