"""Checking a certificate and its key before anything is served with them.

Imported where there is one, because only workers with a certificate need the library.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from gateway_runtime.schema.document import Certificate
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.tls.context import INVALID

SMALLEST_RSA_BITS = 2048

_Key = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey


class CheckedCertificate(NamedTuple):
    """A certificate that can be served: the chain and the key in one PEM, and the host names in the certificate."""

    pem: bytes
    names: list[str]


def check_certificate(given: Certificate, path: str, now: datetime | None) -> CheckedCertificate:
    """Check a certificate and its key. Raises `ConfigFault`. Without `now` its dates are not looked at."""
    try:
        chain = x509.load_pem_x509_certificates(given.certificate.encode())
        public = chain[0].public_key()
        names = _names(chain[0])
    except (ValueError, UnsupportedAlgorithm):
        raise _fault(path, "certificate", "This is not a certificate in PEM form.") from None
    key = _read_key(given.key, path)
    if isinstance(key, RSAPrivateKey) and key.key_size < SMALLEST_RSA_BITS:
        text = f"The RSA key has {key.key_size} bits. Use a key of {SMALLEST_RSA_BITS} bits or more."
        raise _fault(path, "key", text)
    if key.public_key() != public:
        raise _fault(path, "key", "The key does not belong to the certificate. Give the pair that belongs together.")
    if now is not None:
        _check_dates(chain[0], path, now)
    pem = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
    return CheckedCertificate(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), names)


def _read_key(pem: str, path: str) -> _Key:
    try:
        # The check of an RSA key's primes takes longer than all the rest. A wrong one makes no valid signature.
        key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _fault(path, "key", "This is not a private key in PEM form without a passphrase.") from None
    if not isinstance(key, _Key):
        raise _fault(path, "key", "Keys for TLS are RSA, elliptic curve or Ed25519 keys.")
    return key


def _check_dates(certificate: x509.Certificate, path: str, now: datetime) -> None:
    if certificate.not_valid_after_utc <= now:
        text = f"The certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC. Renew it."
        raise _fault(path, "certificate", text)
    if certificate.not_valid_before_utc > now:
        text = f"The certificate is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC."
        raise _fault(path, "certificate", text)


def _names(certificate: x509.Certificate) -> list[str]:
    """Return the dNSNames. The common name does not count: clients have stopped to look at it."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return found.value.get_values_for_type(x509.DNSName)


def _fault(path: str, setting: str, message: str) -> ConfigFault:
    return ConfigFault(f"{path}.{setting}", INVALID, message)
