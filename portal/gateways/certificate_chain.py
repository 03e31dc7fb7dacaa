"""Whether certificates are a chain: each issued by the next one, up to one that clients know or that issued itself."""

import ssl
import warnings
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import MD5, SHA1
from cryptography.x509.oid import NameOID

# More than any chain needs; each one is sent in every handshake.
LONGEST = 8


class ChainFault(ValueError):
    """The certificates are no chain; the sentence says what to do."""


def name_of(name: x509.Name) -> str:
    """Return what people call the subject of a certificate: its common name, else all of it."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()


def chain_check(chain: Sequence[x509.Certificate]) -> None:
    """Raise `ChainFault` unless the certificates are in order and whole up to their end."""
    if len(chain) > LONGEST:
        raise ChainFault(f"These are {len(chain)} certificates. A chain has {LONGEST} at most.")
    for certificate, issuer in pairwise(chain):
        if not _has_issued(issuer, certificate):
            raise ChainFault(_out_of_order(certificate, issuer, chain))
        if not _is_authority(issuer):
            raise ChainFault(f"“{name_of(issuer.subject)}” is no authority, so nobody trusts what it has issued.")
    for certificate in chain:
        if not _is_root(certificate):
            _check_signature(certificate)
    last = chain[-1]
    if not _is_root(last) and not any(_has_issued(root, last) for root in _known_roots().get(last.issuer, ())):
        raise ChainFault(
            f"The chain ends with “{name_of(last.subject)}”, which “{name_of(last.issuer)}” has issued. "
            f"Add the certificate of “{name_of(last.issuer)}” at the end, so that clients can follow it."
        )


def _out_of_order(certificate: x509.Certificate, issuer: x509.Certificate, chain: Sequence[x509.Certificate]) -> str:
    if any(_has_issued(other, certificate) for other in chain if other is not certificate):
        return (
            "The certificates are in the wrong order. Put the one of the server first, then each time the one that "
            f"issued the one before: after “{name_of(certificate.subject)}” that of “{name_of(certificate.issuer)}”."
        )
    return (
        f"“{name_of(issuer.subject)}” has not issued “{name_of(certificate.subject)}”: that was "
        f"“{name_of(certificate.issuer)}”, whose certificate is missing. Put it in between."
    )


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_root(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject and _has_issued(certificate, certificate)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _check_signature(certificate: x509.Certificate) -> None:
    try:
        weak = isinstance(certificate.signature_hash_algorithm, MD5 | SHA1)
    except UnsupportedAlgorithm:
        weak = True
    if weak:
        raise ChainFault(
            f"“{name_of(certificate.subject)}” is signed in an outdated way, which clients refuse. "
            "Ask its authority for one that is signed with SHA-256."
        )


@cache
def _known_roots() -> dict[x509.Name, list[x509.Certificate]]:
    """Return the authorities that this machine trusts, as a stand-in for what clients trust."""
    found: dict[x509.Name, list[x509.Certificate]] = {}
    with warnings.catch_warnings():
        # Some old roots bend the rules, and are trusted all the same.
        warnings.simplefilter("ignore")
        for der in ssl.create_default_context().get_ca_certs(binary_form=True):
            try:
                root = x509.load_der_x509_certificate(der)
                found.setdefault(root.subject, []).append(root)
            except ValueError:
                continue
    return found
