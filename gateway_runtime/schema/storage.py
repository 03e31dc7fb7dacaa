"""Where the replicas of a gateway share counters and caches."""

from gateway_runtime.schema.part import Part
from gateway_runtime.schema.secret import Secret


class StorageTls(Part, frozen=True):
    """TLS to the shared storage. `certificate` and `key` (PEM) are shown to it; without `trusted_ca` the machine's own.

    `ciphers` are IANA names for TLS 1.2; empty: the usual ones. `alpn` is what is offered, nothing without. With
    `skip_validation` anybody may answer.
    """

    trusted_ca: str = ""
    certificate: str = ""
    key: Secret = ""
    skip_validation: bool = False
    min_version: str = "1.2"
    max_version: str = "1.3"
    ciphers: list[str] = []
    alpn: list[str] = []

    def __repr__(self) -> str:
        # The generated form would show the key.
        return "StorageTls()"


class Sentinels(Part, frozen=True):
    """Who says where the Redis is that may be written to: each as host:port, by the name that they have for it."""

    addresses: list[str]
    master: str
    password: Secret = ""

    def __repr__(self) -> str:
        # The generated form would show the password.
        return f"Sentinels(addresses={self.addresses!r}, master={self.master!r})"


class SharedStorage(Part, frozen=True):
    """A Redis by its URL (`redis://`, `rediss://` or `unix://`), which holds user and password, too.

    `tls` says more about how `rediss://` is spoken. With `sentinels` the URL names no host, and they are spoken to with
    the same TLS.
    """

    url: Secret
    tls: StorageTls | None = None
    sentinels: Sentinels | None = None

    def __repr__(self) -> str:
        # The generated form would show the password.
        return "SharedStorage()"
