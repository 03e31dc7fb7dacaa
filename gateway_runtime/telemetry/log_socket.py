"""Lines to a collector over TCP, TLS or UDP."""

from __future__ import annotations

import errno
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from gateway_runtime.schema.log_output import Collector, LogTls
from gateway_runtime.telemetry.delivery import pieces

# For connecting, and for each write.
SECONDS = 5.0
# Lines that go together: when a connection breaks, so many may be sent twice.
PIECE_BYTES = 64 * 1024
ATTEMPTS = 2
PAUSE_SECONDS = 1.0

# What one line becomes on its way.
Wrap = Callable[[bytes], bytes]


def as_it_is(line: bytes) -> bytes:
    """Leave a line alone: it has its end."""
    return line


def tls_context(tls: LogTls) -> ssl.SSLContext:
    """Return the context to speak to a collector with. Raises `OSError`, of which `ssl.SSLError` is one.

    Made for each connection: its files may have been renewed.
    """
    context = ssl.create_default_context(cafile=tls.ca_file or None)
    context.hostname_checks_common_name = False
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate_file:
        context.load_cert_chain(tls.certificate_file, tls.key_file or None, lambda: tls.passphrase)
    return context


def attempted(send: Callable[[], None]) -> None:
    """Send, and another time after a moment where that fails. Raises `OSError`."""
    for _ in range(ATTEMPTS - 1):
        try:
            send()
        except OSError:
            time.sleep(PAUSE_SECONDS)
        else:
            return
    send()


class Stream:
    """A connection that is made when there is something to send, and anew once it has gone."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._socket: socket.socket | None = None

    def send(self, data: bytes) -> None:
        """Send everything, if need be on a new connection. Raises `OSError`."""
        attempted(lambda: self._send(data))

    def _send(self, data: bytes) -> None:
        try:
            self._open().sendall(data)
        except OSError:
            self.close()
            raise

    def _open(self) -> socket.socket:
        if self._socket is not None and _is_over(self._socket):
            self.close()
        if self._socket is None:
            where = self._collector
            plain = socket.create_connection((where.host, where.port), SECONDS)
            try:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                self._socket = plain if where.tls is None else self._secured(plain, where.tls)
            except BaseException:
                plain.close()
                raise
        return self._socket

    def _secured(self, plain: socket.socket, tls: LogTls) -> socket.socket:
        return tls_context(tls).wrap_socket(plain, server_hostname=tls.server_name or self._collector.host)

    def close(self) -> None:
        """Let go of the connection."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None


def _is_over(connection: socket.socket) -> bool:
    """Tell whether the other end has closed: what is written then gets lost without a word."""
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        connection.settimeout(0)
        while data := connection.recv(4096):  # nothing that it says matters
            del data
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(SECONDS)
    return True


class StreamDelivery:
    """Lines over one connection, each as `wrap` makes it."""

    def __init__(self, collector: Collector, wrap: Wrap = as_it_is) -> None:
        self._stream = Stream(collector)
        self._wrap = wrap

    def deliver(self, lines: list[bytes]) -> Iterator[int]:
        """Send the lines."""
        for count, data in pieces([self._wrap(line) for line in lines], PIECE_BYTES):
            self._stream.send(data)
            yield count

    def close(self) -> None:
        """Let go of the connection."""
        self._stream.close()


class DatagramDelivery:
    """One datagram for each line, as `wrap` makes it. Nobody ever knows whether it has arrived."""

    def __init__(self, collector: Collector, wrap: Wrap = as_it_is) -> None:
        self._collector = collector
        self._wrap = wrap
        self._socket: socket.socket | None = None

    def deliver(self, lines: list[bytes]) -> Iterator[int]:
        """Send the lines."""
        if self._socket is None:
            family, kind, protocol, _, address = socket.getaddrinfo(
                self._collector.host, self._collector.port, type=socket.SOCK_DGRAM
            )[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.settimeout(SECONDS)
            self._socket.connect(address)
        for line in lines:
            try:
                self._socket.send(self._wrap(line))
            except OSError as error:
                # Too long for a datagram, or nobody listens at the moment: the others may still arrive.
                if error.errno not in (errno.EMSGSIZE, errno.ECONNREFUSED):
                    self.close()
                    raise
            else:
                yield 1

    def close(self) -> None:
        """Let go of the socket. The next line looks the name up again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
