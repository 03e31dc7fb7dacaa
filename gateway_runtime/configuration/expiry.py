"""When the certificates of a revision expire."""

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from gateway_runtime.schema.document import Listener


class _Listeners(msgspec.Struct):
    """What of a document is about listeners."""

    listeners: list[Listener] = []


def soonest_expiry(document: bytes) -> float:
    """Return when the first certificate of the listeners expires, in seconds since the epoch; 0 without any.

    Of each chain the certificate of the server counts. One that cannot be read is told of where it is served.
    """
    listeners = msgspec.json.decode(document, type=_Listeners).listeners
    found = [
        expires_at
        for listener in listeners
        if listener.tls is not None
        for certificate in listener.tls.certificates
        if (expires_at := _expires_at(certificate.certificate))
    ]
    return min(found, default=0.0)


def _expires_at(pem: str) -> float:
    try:
        return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.timestamp()
    except (ValueError, UnsupportedAlgorithm):
        return 0.0
