"""A certificate as it was uploaded: read, checked as the gateway will, and refused in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from gateway_runtime.checks import NotOpened, check_tls, plain_key
from gateway_runtime.schema.document import Certificate, Tls
from gateway_runtime.schema.faults import ConfigFault
from portal.core.errors import ApplicationError
from portal.gateways.certificate_chain import ChainFault, chain_check, name_of

INVALID = "certificate_invalid"
LONGEST_PEM = 200_000
_NO_CERTIFICATE = "This is not a certificate in PEM form."
_NO_KEY = "This is not a private key in PEM form."
_TLS_CURVES = ("secp256r1", "secp384r1", "secp521r1")
# Where the engine's faults belong.
_FIELDS = {"certificates[0].key": "key"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCertificate:
    """A certificate that can be served, and what is in it. `key` has no passphrase any more."""

    chain: str
    key: str
    subject: str
    issuer: str
    names: list[str]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    key_type: str

    def __repr__(self) -> str:
        # The generated form would show the key.
        return f"CheckedCertificate(subject={self.subject!r})"


def certificate_checked(*, chain: str, key: str, passphrase: str, now: datetime) -> CheckedCertificate:
    """Return a chain and its key as they may be stored. Raises `ApplicationError` beside `chain` or `key`."""
    certificates = _read_chain(chain)
    opened = _read_key(key, passphrase)
    first = certificates[0]
    for other in certificates[1:]:
        if _belongs(opened, other):
            raise _fault(
                "chain",
                f"The key belongs to “{name_of(other.subject)}”, which is not the first certificate. "
                "Put the one of the server first, then each time the one that issued the one before.",
            )
    pem = "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)
    try:
        check_tls(Tls(certificates=[Certificate(certificate=pem, key=opened)]), now)
    except ConfigFault as fault:
        raise _fault(_FIELDS.get(fault.path, "chain"), fault.message) from None
    names = _names(first)
    if not names:
        raise _fault(
            "chain",
            "The certificate names no host (subject alternative name), so clients refuse it. "
            "Ask for one with the host names that consumers call.",
        )
    _check_validity(certificates[1:], now)
    try:
        chain_check(certificates)
    except ChainFault as chain_fault:
        raise _fault("chain", str(chain_fault)) from None
    return CheckedCertificate(
        chain=pem,
        key=opened,
        subject=name_of(first.subject)[:500] or names[0],
        issuer=name_of(first.issuer)[:500],
        names=names,
        not_before=first.not_valid_before_utc,
        not_after=first.not_valid_after_utc,
        fingerprint=first.fingerprint(hashes.SHA256()).hex(),
        key_type=_key_type(opened),
    )


def _read_chain(text: str) -> list[x509.Certificate]:
    if "PRIVATE KEY-----" in text:
        raise _fault("chain", "There is a private key among the certificates. Put it into its own field.")
    if len(text) > LONGEST_PEM:
        raise _fault("chain", _NO_CERTIFICATE)
    try:
        found = x509.load_pem_x509_certificates(text.encode())
        # What cannot be looked at cannot be served.
        for certificate in found:
            certificate.public_key()
            _names(certificate)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise _fault("chain", _NO_CERTIFICATE) from None
    return found


def _read_key(text: str, passphrase: str) -> str:
    if "PRIVATE KEY-----" not in text or len(text) > LONGEST_PEM:
        raise _fault("key", _NO_KEY)
    if "ENCRYPTED" in text and not passphrase:
        raise _fault(
            "key",
            "This key is protected by a passphrase. Give the passphrase, or take it off first: "
            "openssl pkey -in key.pem -out plain.pem",
        )
    try:
        opened = plain_key(text, passphrase)
    except NotOpened as error:
        raise _fault("passphrase", str(error)) from None
    try:
        key = load_pem_private_key(opened.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _fault("key", _NO_KEY) from None
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name not in _TLS_CURVES:
        raise _fault("key", f"Clients do not take the curve {key.curve.name}. Use P-256, P-384 or P-521.")
    return opened


def _belongs(key: str, certificate: x509.Certificate) -> bool:
    return load_pem_private_key(key.encode(), None, unsafe_skip_rsa_key_validation=True).public_key() == (
        certificate.public_key()
    )


def _check_validity(above: Sequence[x509.Certificate], now: datetime) -> None:
    for certificate in above:
        if certificate.not_valid_after_utc <= now:
            raise _fault(
                "chain",
                f"“{name_of(certificate.subject)}” in the chain expired on "
                f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC. Ask its authority for the present one.",
            )


def _names(certificate: x509.Certificate) -> list[str]:
    """Return the host names and addresses that the certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    return [*found.get_values_for_type(x509.DNSName), *addresses]


def _key_type(pem: str) -> str:
    key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    if isinstance(key, RSAPrivateKey):
        return f"RSA, {key.key_size} bits"
    return f"Elliptic curve, {key.curve.name}" if isinstance(key, EllipticCurvePrivateKey) else "Ed25519"


def _fault(field: str, sentence: str) -> ApplicationError:
    return ApplicationError(INVALID, sentence, fields={field: sentence})
