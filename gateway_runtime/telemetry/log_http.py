"""Lines to a collector that takes them by POST."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from gateway_runtime.schema.log_output import Collector
from gateway_runtime.telemetry.delivery import pieces
from gateway_runtime.telemetry.log_socket import SECONDS, attempted, tls_context

PIECE_BYTES = 512 * 1024
_ANSWER_BYTES = 64 * 1024
_AGAIN = frozenset({408, 429})


class _NotTaken(OSError):
    """The collector wants to be asked again."""


class _SecureConnection(HTTPSConnection):
    """With a collector whose certificate is for `name`, whatever its address is."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, name: str) -> None:
        super().__init__(host, port, timeout=SECONDS, context=context)
        self._tls = context
        self._name = name

    def connect(self) -> None:
        """Connect, if need be through a tunnel, and speak TLS."""
        HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


class HttpDelivery:
    """Posts lines as an array of JSON, or one below the other."""

    def __init__(self, collector: Collector) -> None:
        assert collector.http is not None
        self._collector = collector
        self._http = collector.http
        self._connection: HTTPConnection | None = None
        self._headers = {"Content-Type": "application/json", "User-Agent": "portico", **dict(self._http.headers)}
        if self._http.compress:
            self._headers["Content-Encoding"] = "gzip"
        self._target = self._http.uri
        if self._http.proxy and collector.tls is None:
            self._target = f"http://{_authority(collector)}{self._http.uri}"
            self._headers |= {"Host": _authority(collector), **self._proxy_headers()}

    def deliver(self, lines: list[bytes]) -> Iterator[int]:
        """Post the lines."""
        for count, data in pieces(lines, PIECE_BYTES):
            body = data
            if self._http.form == "json":
                body = b"[" + b",".join(line for line in data.split(b"\n") if line) + b"]"
            if self._http.compress:
                body = gzip.compress(body, 6)
            taken = [False]
            attempted(lambda body=body, taken=taken: self._post(body, taken))  # type: ignore[misc]
            yield count if taken[0] else 0

    def _post(self, body: bytes, taken: list[bool]) -> None:
        try:
            connection = self._connection = self._connection or self._made()
            connection.request("POST", self._target, body, self._headers)
            answer = connection.getresponse()
            status = answer.status
            answer.read(_ANSWER_BYTES)
            if not answer.isclosed():
                self.close()
        except (OSError, HTTPException) as error:
            self.close()
            raise error if isinstance(error, OSError) else OSError(str(error)) from error
        if status >= 500 or status in _AGAIN:
            raise _NotTaken(f"the collector answers {status}")
        # Any other answer than a good one will be the same next time.
        taken[0] = 200 <= status < 300

    def _made(self) -> HTTPConnection:
        where, http = self._collector, self._http
        host, port = where.host, where.port
        if http.proxy:
            host, _, text = http.proxy.rpartition(":")
            port = int(text)
        if where.tls is None:
            return HTTPConnection(host.strip("[]"), port, timeout=SECONDS)
        name = where.tls.server_name or where.host.strip("[]")
        connection = _SecureConnection(host.strip("[]"), port, tls_context(where.tls), name)
        if http.proxy:
            connection.set_tunnel(where.host, where.port, self._proxy_headers())
        return connection

    def _proxy_headers(self) -> dict[str, str]:
        credentials = self._http.proxy_credentials
        return {"Proxy-Authorization": credentials} if credentials else {}

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _authority(collector: Collector) -> str:
    host = f"[{collector.host}]" if ":" in collector.host else collector.host
    return host if collector.port == 80 else f"{host}:{collector.port}"
