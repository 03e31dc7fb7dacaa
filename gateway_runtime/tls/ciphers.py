"""Cipher suites by their IANA names, as documented, and what OpenSSL calls them."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCK = {"AES_128_CBC_SHA": "AES128-SHA", "AES_256_CBC_SHA": "AES256-SHA"}
_PSK_BLOCK = {"AES_128_CBC_SHA": "AES128-CBC-SHA", "AES_256_CBC_SHA": "AES256-CBC-SHA"}
_AEAD = {"AES_128_GCM_SHA256": "AES128-GCM-SHA256", "AES_256_GCM_SHA384": "AES256-GCM-SHA384"}
_CHACHA = {"CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305"}


def _suites(exchange: str, prefix: str, ciphers: dict[str, str]) -> dict[str, str]:
    return {f"TLS_{exchange}_WITH_{name}": prefix + ours for name, ours in ciphers.items()}


# The suites of TLS 1.2 where none are listed.
DEFAULTS = _suites("ECDHE_ECDSA", "ECDHE-ECDSA-", _AEAD | _CHACHA) | _suites("ECDHE_RSA", "ECDHE-RSA-", _AEAD | _CHACHA)
OPENSSL = (
    DEFAULTS
    | _suites("RSA", "", _AEAD | _BLOCK | {"3DES_EDE_CBC_SHA": "DES-CBC3-SHA"})
    | _suites("ECDHE_ECDSA", "ECDHE-ECDSA-", _BLOCK)
    | _suites("ECDHE_RSA", "ECDHE-RSA-", _BLOCK)
)
# They need a key that both sides know beforehand, which cannot be given to this gateway.
PRE_SHARED = (
    _suites("PSK", "PSK-", _PSK_BLOCK)
    | _suites("ECDHE_PSK", "ECDHE-PSK-", _PSK_BLOCK | _CHACHA)
)  # fmt: skip
# Always on where TLS 1.3 is.
FIXED = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})


class UnknownCipher(ValueError):
    """A name in a list of suites is none. `index` is its place."""

    def __init__(self, index: int, name: str) -> None:
        super().__init__(f"“{name}” is not a cipher suite that is known here.")
        self.index = index


def openssl_names(listed: Sequence[str]) -> list[str]:
    """Return what OpenSSL calls the suites of TLS 1.2 and below that a list means. Raises `UnknownCipher`.

    A list of nothing but TLS 1.3 suites says nothing about the others. The result is empty when only suites with
    pre-shared keys are listed.
    """
    chosen: list[str] = []
    replaces = False
    for index, name in enumerate(listed):
        iana = f"TLS_{name.removeprefix('TLS_')}"
        if iana in FIXED:
            continue
        replaces = True
        if iana in OPENSSL:
            chosen.append(OPENSSL[iana])
        elif iana not in PRE_SHARED:
            raise UnknownCipher(index, name)
    return chosen if replaces else list(DEFAULTS.values())
