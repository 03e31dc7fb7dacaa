"""The certificate that a caller has shown and the listener has checked, for policies to look at."""

from __future__ import annotations

import hashlib
import ssl
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


class ClientCertificate:
    """Fields of a checked certificate, each read when a policy asks for it. One object for a whole connection.

    Names hold printable ASCII only: one with a NUL or a line end in it could be read differently by the next program,
    so it is left out and matches nothing.
    """

    def __init__(self, der: bytes) -> None:
        self.der = der

    @cached_property
    def fingerprint_sha256(self) -> str:
        """The SHA-256 of the whole certificate in lower-case hex."""
        return hashlib.sha256(self.der).hexdigest()

    @cached_property
    def subject(self) -> str:
        """The distinguished name as RFC 4514 writes it."""
        return self._parsed.subject.rfc4514_string()

    @cached_property
    def issuer(self) -> str:
        """The distinguished name of who signed it, as RFC 4514 writes it."""
        return self._parsed.issuer.rfc4514_string()

    @cached_property
    def serial(self) -> str:
        """The serial number in lower-case hex."""
        return f"{self._parsed.serial_number:x}"

    @cached_property
    def not_after(self) -> datetime:
        """When it expires."""
        return self._parsed.not_valid_after_utc

    @cached_property
    def dns_names(self) -> tuple[str, ...]:
        """The alternative names of type dNSName."""
        return self._alternative("DNSName")

    @cached_property
    def email_addresses(self) -> tuple[str, ...]:
        """The alternative names of type rfc822Name."""
        return self._alternative("RFC822Name")

    @cached_property
    def uris(self) -> tuple[str, ...]:
        """The alternative names of type uniformResourceIdentifier."""
        return self._alternative("UniformResourceIdentifier")

    @cached_property
    def ip_addresses(self) -> tuple[str, ...]:
        """The alternative names of type iPAddress."""
        return self._alternative("IPAddress")

    @cached_property
    def _parsed(self) -> Certificate:
        # Here and below: only workers whose policies look into certificates need the library.
        from cryptography import x509

        return x509.load_der_x509_certificate(self.der)

    def _alternative(self, kind: str) -> tuple[str, ...]:
        from cryptography import x509

        try:
            found = self._parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return ()
        names = (str(name) for name in found.value.get_values_for_type(getattr(x509, kind)))
        return tuple(name for name in names if name.isascii() and name.isprintable())


def client_certificate(connection: ssl.SSLObject) -> ClientCertificate | None:
    """Return what the caller of a connection has shown, None where it was not asked or had nothing."""
    der = connection.getpeercert(binary_form=True)
    return ClientCertificate(der) if der else None
