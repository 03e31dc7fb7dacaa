"""One question to an LDAP server: search an entry, then bind as it. This blocks, so it runs in a thread."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException

from gateway_runtime.directories.ldap import PLACEHOLDER, DirectoryError, Finding, LdapSettings, escape_value

_SUCCESS, _SIZE_LIMIT_EXCEEDED = 0, 4
# What a server says of this user and this password (RFC 4511 appendix A.2): constraintViolation (a locked account),
# noSuchObject, inappropriateAuthentication, invalidCredentials, insufficientAccessRights and unwillingToPerform.
# Whatever else it says is about itself.
_NOT_THIS_USER = frozenset({19, 32, 48, 49, 50, 53})


@lru_cache(maxsize=64)
def _context(trusted_ca: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=trusted_ca or None)
    # A name in a common name is nobody's promise, as with services.
    context.hostname_checks_common_name = False
    if trusted_ca:
        # What is trusted is what is written here, also where it is itself signed by somebody else.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


class _Tls(ldap3.Tls):
    """TLS with a certificate for the name in the settings. The library's own check would believe a common name."""

    def __init__(self, settings: LdapSettings) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._settings = settings

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Put TLS around the socket of a connection."""
        context = _context(self._settings.trusted_ca)
        connection.socket = context.wrap_socket(
            connection.socket, do_handshake_on_connect=do_handshake, server_hostname=self._settings.host
        )


class Question:
    """Asks once whether a user name and a password belong together. `give_up` may be called from another thread."""

    __slots__ = ("_connection", "_given_up", "_lock", "_name", "_password", "_settings", "dn")

    def __init__(self, settings: LdapSettings, name: str, password: bytes) -> None:
        self._settings = settings
        self._name = name
        self._password = password
        self._connection: ldap3.Connection | None = None
        self._given_up = False
        self._lock = threading.Lock()
        # Of the entry that was found.
        self.dn = ""

    def ask(self, addresses: Sequence[str]) -> Finding:
        """Ask at the first of these addresses that can be reached. Raises `DirectoryError`."""
        connection = self._connect(addresses)
        try:
            return self._ask(connection)
        except DirectoryError:
            raise
        except LDAPException as error:
            raise DirectoryError("connection_lost") from error
        except Exception as error:  # the library raises all sorts of things over what it cannot decode
            raise DirectoryError("bad_answer") from error
        finally:
            with suppress(Exception):
                connection.unbind()

    def give_up(self) -> None:
        """Let go of the thread that asks: its next look at the socket finds it closed."""
        with self._lock:
            self._given_up = True
            found = self._connection.socket if self._connection is not None else None
        if found is not None:
            with suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)

    def _connect(self, addresses: Sequence[str]) -> ldap3.Connection:
        settings = self._settings
        code = "refused"
        for address in addresses:
            server = ldap3.Server(
                address, settings.port, use_ssl=settings.tls, tls=_Tls(settings) if settings.tls else None,
                get_info=ldap3.NONE, connect_timeout=settings.seconds / len(addresses),
            )  # fmt: skip
            connection = ldap3.Connection(
                server, settings.manager_dn, settings.manager_password.encode(), authentication=ldap3.SIMPLE,
                check_names=False, auto_referrals=False, auto_escape=False, read_only=True,
                # In whole seconds only; the exact end is set from outside by `give_up`.
                receive_timeout=int(settings.seconds) + 1,
            )  # fmt: skip
            with self._lock:
                if self._given_up:
                    break
                self._connection = connection
            try:
                connection.open(read_server_info=False)
            except LDAPException:
                code = "tls_failed" if "ssl" in (connection.last_error or "") else "refused"
            else:
                if not self._given_up:
                    return connection
                # There was nothing to shut yet.
                with suppress(OSError):
                    connection.socket.close()
                break
        raise DirectoryError(code)

    def _ask(self, connection: ldap3.Connection) -> Finding:
        settings = self._settings
        connection.bind(read_server_info=False)
        if connection.result["result"] != _SUCCESS:
            raise DirectoryError("manager_refused")
        connection.search(
            settings.base,
            settings.filter.replace(PLACEHOLDER, escape_value(self._name)),
            search_scope=ldap3.SUBTREE if settings.subtree else ldap3.LEVEL,
            attributes=[ldap3.NO_ATTRIBUTES],
            # Two are as many as a thousand.
            size_limit=2,
        )
        result = connection.result["result"]
        found = [each for each in connection.response or () if each["type"] == "searchResEntry"]
        if result == _SIZE_LIMIT_EXCEEDED or len(found) > 1:
            return Finding.AMBIGUOUS
        if result != _SUCCESS:
            raise DirectoryError(f"search_result_{result}")
        if not found:
            return Finding.UNKNOWN
        self.dn = found[0]["dn"]
        # Without a name a bind is an anonymous one, and succeeds. What cannot be sent back as it came is another name.
        if not self.dn or self.dn.encode() != found[0]["raw_dn"]:
            raise DirectoryError("unusable_entry")
        connection.rebind(self.dn, self._password, authentication=ldap3.SIMPLE, read_server_info=False)
        result = connection.result["result"]
        if result == _SUCCESS:
            return Finding.VERIFIED
        if result in _NOT_THIS_USER:
            return Finding.UNKNOWN
        raise DirectoryError(f"bind_result_{result}")
