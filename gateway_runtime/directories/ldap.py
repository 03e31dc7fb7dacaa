"""What is said of an LDAP server, and what comes of asking it. The library, 5 MiB, is loaded where one is used."""

from __future__ import annotations

import ssl
from enum import StrEnum
from typing import NamedTuple

PLACEHOLDER = "{0}"


class LdapSettings(NamedTuple):
    """Whom to ask, and how. Two policies with the same ask the same `Directory`."""

    host: str
    port: int
    tls: bool
    trusted_ca: str
    manager_dn: str
    manager_password: str
    base: str
    filter: str
    subtree: bool
    seconds: float
    remember_seconds: float

    def __repr__(self) -> str:
        # The generated form would show the password.
        return f"LdapSettings({self.host}:{self.port})"


class Finding(StrEnum):
    """What came of a question."""

    VERIFIED = "verified"
    UNKNOWN = "unknown"  # no such user, or another password
    AMBIGUOUS = "ambiguous"  # several entries


class DirectoryError(Exception):
    """The directory could not be asked, or its answer is no answer. `code` says why and quotes nothing."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def escape_value(value: str) -> str:
    """Return a text as a value in a filter: whatever is not a plain letter or digit is written as its bytes."""
    return "".join(
        sign if sign.isascii() and sign.isalnum() else "".join(f"\\{byte:02x}" for byte in sign.encode())
        for sign in value
    )


def check_filter(template: str) -> None:
    """Raise a `ValueError` for what is no filter with a place for the user name."""
    from ldap3.core.exceptions import LDAPInvalidFilterError
    from ldap3.operation.search import parse_filter

    if PLACEHOLDER not in template:
        raise ValueError("A search filter holds {0}, where the user name is put, as in (uid={0})")
    try:
        parse_filter(template.replace(PLACEHOLDER, "a"), None, False, False, None, False)
    except LDAPInvalidFilterError:
        raise ValueError(
            "This is not a search filter, such as (uid={0}) or (&(objectClass=person)(mail={0}))"
        ) from None


def check_dn(text: str, what: str) -> None:
    """Raise a `ValueError` for what is no distinguished name."""
    from ldap3.core.exceptions import LDAPException
    from ldap3.utils.dn import parse_dn

    try:
        parse_dn(text)
    except LDAPException:
        raise ValueError(f"The {what} is not a distinguished name, such as ou=people,dc=example,dc=com") from None


def check_authorities(pem: str) -> None:
    """Raise a `ValueError` for what are no certificates."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise ValueError("The trusted CA is not a certificate in PEM form") from None
