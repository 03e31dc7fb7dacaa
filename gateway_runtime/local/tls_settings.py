"""The settings of TLS policies as documented."""

from typing import Literal

from gateway_runtime.local.form import Form
from gateway_runtime.local.place import Place
from gateway_runtime.tls.ciphers import openssl_names
from gateway_runtime.tls.passphrase import NotOpened, plain_key

TlsVersion = Literal["1.1", "1.2", "1.3"]


class Certificate(Form, frozen=True):
    """A key with its certificate, as PEM."""

    key: str = ""
    crt: str = ""
    key_passphrase: str = ""


def read_key(certificate: Certificate, place: Place) -> str:
    """Return the key of a certificate without its passphrase; `place` is that of the certificate."""
    try:
        return plain_key(certificate.key, certificate.key_passphrase)
    except NotOpened as error:
        raise place.at("keyPassphrase").fault(str(error)) from error


class _Versions(Form, frozen=True, rename=None):
    """What both directions have in common."""

    trustedCA: str = ""
    certificate: Certificate | None = None
    alpn: list[Literal["h2", "http/1.1"]] | None = None
    minversion: TlsVersion = "1.2"
    maxversion: TlsVersion = "1.3"
    ciphers: list[str] | None = None

    def __post_init__(self) -> None:
        if self.minversion > self.maxversion:
            raise ValueError(f"The lowest version {self.minversion} is above the highest {self.maxversion}")
        # Raises for a name that is none.
        openssl_names(self.ciphers or ())
        if self.minversion == "1.1" and not self.ciphers:
            raise ValueError("Version 1.1 has no default cipher suites, so they must be listed")


class InboundTls(_Versions, frozen=True, rename=None):
    """`config` of the policy `tls`."""

    requireClientCertificate: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.requireClientCertificate and not self.trustedCA:
            raise ValueError("Client certificates need a trustedCA")
        if self.certificate is None or not (self.certificate.key and self.certificate.crt):
            raise ValueError("Give the certificate's key and crt")


class OutboundTls(_Versions, frozen=True, kw_only=True, rename=None):
    """`config` of the policy `tls-outbound`."""

    skipValidation: bool
    serverName: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.skipValidation and not self.trustedCA:
            raise ValueError("Give a trustedCA, or set skipValidation")
