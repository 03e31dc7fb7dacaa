"""Handshakes with callers: begun with whatever the listener has at that moment, and counted by how they end."""

from __future__ import annotations

import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway_runtime.tls.compiled import ListenerTls

HANDSHAKE_SECONDS = 10.0
_RECORD_BYTES = 1 << 14

COMPLETED, ABANDONED, OTHER = "completed", "abandoned", "other"
# What OpenSSL says, as few words as a metric can take. A peer decides what is said, so nothing else becomes a label.
_OUTCOMES = {
    "HTTP_REQUEST": "plain_text",
    "WRONG_VERSION_NUMBER": "plain_text",
    "PACKET_LENGTH_TOO_LONG": "plain_text",
    "UNSUPPORTED_PROTOCOL": "version",
    "NO_SHARED_CIPHER": "cipher",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "client_certificate",
    "CERTIFICATE_VERIFY_FAILED": "client_certificate",
    "CLIENT_CERTIFICATE_EXPIRED": "client_certificate",
    "SETTINGS_CHANGED": "settings_changed",
}


class ServerHandshake(ssl.SSLObject):
    """The TLS of one connection. The listener's context makes it; nothing but the handshake is different."""

    _switch: SwitchedContext
    _tls: ListenerTls
    _outcome: str = ""

    def begin(self, switch: SwitchedContext, tls: ListenerTls, incoming: ssl.MemoryBIO) -> ServerHandshake:
        """Say whose it is, and which bytes it reads."""
        self._switch = switch
        self._tls = tls
        # As attributes, because the event loop takes them from here once and calls them for every request.
        wrapped: Any = self._sslobj  # type: ignore[attr-defined]
        self.read = _reader(wrapped.read, incoming)  # type: ignore[method-assign]
        self.write = wrapped.write  # type: ignore[method-assign]
        return self

    def do_handshake(self) -> None:
        """Go on with the handshake. Raises `ssl.SSLError`: one that wants more bytes is not the end."""
        try:
            super().do_handshake()
            if self._tls.terms != self._switch.current.terms:
                # Begun before client certificates were asked for, perhaps, and finished after that.
                raise _error("SETTINGS_CHANGED")
            if self.session_reused and self._tls.definition.trusted_ca:
                self._check_expiry()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self._end(_OUTCOMES.get(error.reason or "", OTHER))
            raise
        self._end(COMPLETED)

    def _check_expiry(self) -> None:
        """Refuse a certificate that has expired since the session began: a resumed one is not checked again."""
        shown = self.getpeercert()
        if shown and ssl.cert_time_to_seconds(str(shown["notAfter"])) <= time.time():
            raise _error("CLIENT_CERTIFICATE_EXPIRED")

    def _end(self, outcome: str) -> None:
        if not self._outcome:
            self._outcome = outcome
            self._switch.outcomes[outcome] += 1

    def __del__(self) -> None:
        # A caller that goes away, or is too slow, is the one end that nobody reports.
        self._end(ABANDONED)


class SwitchedContext(ssl.SSLContext):
    """What a listening socket is opened with: each new connection gets the newest TLS of its listener.

    So a certificate is replaced by one assignment; handshakes under way finish with what they began with.
    """

    current: ListenerTls
    outcomes: Counter[str]

    def __new__(cls, tls: ListenerTls, outcomes: Counter[str]) -> SwitchedContext:
        made = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        made.current = tls
        made.outcomes = outcomes
        return made

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *_: Any, **__: Any) -> ssl.SSLObject:
        """Begin the server's side of a connection."""
        tls = self.current
        made = tls.context.wrap_bio(incoming, outgoing, server_side=True)
        assert isinstance(made, ServerHandshake)
        return made.begin(self, tls, incoming)


def _reader(read: Callable[[int], bytes], incoming: ssl.MemoryBIO) -> Callable[..., bytes]:
    """Return what reads a record, or says at once that nothing has come.

    The event loop asks for 256 KiB, and asks again until there is no more. Memory for that and the error from C would
    cost more than the decryption; a record has 16 KiB at most, so nothing stays behind.
    """
    again = ssl.SSLWantReadError

    def read_record(*_: Any) -> bytes:
        if incoming.pending:
            return read(_RECORD_BYTES)
        raise again

    return read_record


def ignore_unreadable_names() -> None:
    """Keep the log free of server names that are not ASCII: `ssl` refuses them, and prints a trace for each one."""
    usual = sys.unraisablehook

    def hook(found: Any) -> None:
        if type(found.exc_value) is not UnicodeDecodeError or type(found.object) is not bytes:
            usual(found)

    sys.unraisablehook = hook


def _error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(ssl.SSL_ERROR_SSL, reason)
    error.reason = reason
    return error
