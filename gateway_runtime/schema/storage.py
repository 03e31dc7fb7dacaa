"""Where the replicas of a gateway share counters and caches."""

from typing import Annotated

from gateway_runtime.schema.part import Part
from gateway_runtime.schema.policy import setting
from gateway_runtime.schema.upstream import TLS_VERSIONS


class StorageTls(Part, frozen=True):
    """TLS to the shared storage. `certificate` and `key` (PEM) are shown to it; without `trusted_ca` the machine's own.

    `ciphers` are IANA names for TLS 1.2; empty: the usual ones. `alpn` is what is offered, nothing without. With
    `skip_validation` anybody may answer.
    """

    trusted_ca: Annotated[
        str,
        setting(
            "Trusted authorities",
            "PEM. Empty: those that the machine of the gateway trusts.",
            word="trustedCA",
            bounds={"max_length": 1_000_000},
        ),
    ] = ""
    certificate: Annotated[
        str,
        setting(
            "Client certificate", "PEM, shown to the storage where it asks for one.", bounds={"max_length": 1_000_000}
        ),
    ] = ""
    key: Annotated[
        str,
        setting(
            "Key of the client certificate", "PEM without a passphrase.", secret=True, bounds={"max_length": 100_000}
        ),
    ] = ""
    skip_validation: Annotated[bool, setting("Do not check the certificate", "Anybody may answer then.")] = False
    min_version: Annotated[str, setting("Lowest version", "Of TLS.", word="minversion", choices=TLS_VERSIONS)] = "1.2"
    max_version: Annotated[str, setting("Highest version", "Of TLS.", word="maxversion", choices=TLS_VERSIONS)] = "1.3"
    ciphers: Annotated[list[str], setting("Cipher suites", "IANA names, for TLS 1.2. Empty: the usual ones.")] = []
    alpn: Annotated[list[str], setting("Protocols", "What is offered (ALPN). Usually nothing.")] = []

    def __repr__(self) -> str:
        # The generated form would show the key.
        return "StorageTls()"


class Sentinels(Part, frozen=True):
    """Who says where the Redis is that may be written to: each as host:port, by the name that they have for it."""

    addresses: Annotated[list[str], setting("Addresses", "Each as host:port.")]
    master: Annotated[str, setting("Name", "What they call the Redis that may be written to.")]
    password: Annotated[str, setting("Password", "Of the Sentinels themselves.", secret=True)] = ""

    def __repr__(self) -> str:
        # The generated form would show the password.
        return f"Sentinels(addresses={self.addresses!r}, master={self.master!r})"


class SharedStorage(Part, frozen=True):
    """A Redis by its URL (`redis://`, `rediss://` or `unix://`), which holds user and password, too.

    `tls` says more about how `rediss://` is spoken. With `sentinels` the URL names no host, and they are spoken to with
    the same TLS.
    """

    url: Annotated[
        str,
        setting(
            "URL of the Redis",
            "redis://user:password@host:6379/0, rediss:// with TLS, or unix:// for a path. It is kept like a password.",
            secret=True,
        ),
    ]
    tls: Annotated[StorageTls | None, setting("TLS", "How rediss:// is spoken.", switch=True)] = None
    sentinels: Annotated[
        Sentinels | None,
        setting("Sentinels", "They say where the Redis is; the URL names no host then.", switch=True),
    ] = None

    def __repr__(self) -> str:
        # The generated form would show the password.
        return "SharedStorage()"
