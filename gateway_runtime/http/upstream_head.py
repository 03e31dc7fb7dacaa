"""The head that goes upstream: made from the canonical request, never from the bytes that came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway_runtime.http.headers import FRAMING
from gateway_runtime.http.message import CHUNKED, Reading, Request
from gateway_runtime.http.origin import TrustedProxies, forwarded_element_list
from gateway_runtime.http.responses import CHUNKED_FIELD
from gateway_runtime.http.upgrade import request_lines

if TYPE_CHECKING:
    from gateway_runtime.upstream.target import TargetConnections

_FORWARDED_HOST = b"\r\nx-forwarded-host: "
_VIA, _VIA_10 = b"\r\nvia: 1.1 ", b"\r\nvia: 1.0 "


def forwarded_lines(
    chain: str,
    scheme: bytes,
    pseudonym: bytes,
    *,
    version: bytes = b"1.1",
    host: bytes = b"",
    port: bytes = b"",
    more: bytes = b"",
) -> bytes:
    """Return what is the same for every request of a connection: who sent it, and through whom.

    `version` is that of HTTP which the caller speaks. `host` and `port` are what a trusted proxy was asked for;
    without, the host of each request is said. `more` is a line, too.
    """
    lines = [b"", b"x-forwarded-for: " + chain.encode(), b"x-forwarded-proto: " + scheme]
    if port:
        lines.append(b"x-forwarded-port: " + port)
    if more:
        lines.append(more)
    lines.append(b"via: %b %b" % (version, pseudonym))
    return b"\r\n".join(lines) + (_FORWARDED_HOST + host if host else b"")


def origin_of(proxies: TrustedProxies, request: Request, address: str, reading: Reading) -> tuple[str, bytes]:
    """Return the client and the forwarded lines, as a trusted proxy at `address` says them with a request."""
    origin = proxies.origin(request.forwarded or (), address)
    scheme = origin.scheme or (b"https" if reading.secure else b"http")
    return origin.client, forwarded_lines(
        ", ".join(origin.chain),
        scheme,
        reading.pseudonym,
        version=reading.version,
        host=origin.host,
        port=origin.port,
        more=forwarded_element_list(origin.chain, scheme) if proxies.send_forwarded else b"",
    )


def policy_headers(request: Request) -> list[tuple[bytes, bytes]]:
    """Return the headers as policies see them: the end-to-end ones and the host."""
    headers = request.headers()
    return [(b"host", request.authority), *headers] if request.authority else headers.copy()


def judged_lines(headers: list[tuple[bytes, bytes]]) -> list[bytes]:
    """Return the lines of headers that policies have been at, without those that only the gateway writes."""
    return [b": ".join(field) for field in headers if field[0] not in FRAMING]


def upstream_head(
    request: Request, target: TargetConnections, path: bytes, forwarded: bytes, request_id: bytes
) -> bytes:
    """Return the whole head with the headers as they came."""
    around = request.around_id
    if around is None:
        # Kept with the headers: a connection mostly brings the same ones again.
        around = request.around_id = _around_id(request, request.lines, _framing(request, request.length), forwarded)
    before, after = around
    query = request.query
    if query is None:
        return b"".join((request.method, target.line_start, path, target.line_end, before, request_id, after))
    return b"".join((request.method, target.line_start, path, b"?", query, target.line_end, before, request_id, after))


def judged_head(
    request: Request,
    target: TargetConnections,
    path: bytes,
    headers: list[tuple[bytes, bytes]],
    forwarded: bytes,
    request_id: bytes,
) -> bytes:
    """Return the whole head with headers that policies have been at."""
    judged = request.judged
    if judged is None or judged[0] != headers:
        # Kept as well: the same headers mostly leave the policies in the same way.
        lines = judged_lines(headers)
        judged = request.judged = (
            headers.copy(), _around_id(request, lines, _framing(request, request.length), forwarded),
        )  # fmt: skip
    before, after = judged[1]
    if request.query is not None:
        path = path + b"?" + request.query
    return b"".join((request.method, target.line_start, path, target.line_end, before, request_id, after))


def resized_head(
    request: Request,
    target: TargetConnections,
    path: bytes,
    headers: list[tuple[bytes, bytes]],
    forwarded: bytes,
    request_id: bytes,
    length: int,
) -> bytes:
    """Return the whole head of a request whose body has another length than it came with."""
    before, after = _around_id(request, judged_lines(headers), _framing(request, length), forwarded)
    if request.query is not None:
        path = path + b"?" + request.query
    return b"".join((request.method, target.line_start, path, target.line_end, before, request_id, after))


def _framing(request: Request, length: int) -> list[bytes]:
    """Return the lines that say where the request ends."""
    if length == CHUNKED:
        return [CHUNKED_FIELD]
    if length or request.has_length or request.length:
        return [b"content-length: %d" % length]
    return request_lines(request.websocket) if request.websocket else []


def _around_id(request: Request, lines: list[bytes], framing: list[bytes], forwarded: bytes) -> tuple[bytes, bytes]:
    """Return what stands between the host and the request id, and what follows the id."""
    before = b"\r\n".join((b"", *lines, *framing, b"x-request-id: "))
    if request.http10:
        # The one version that changes from request to request of a connection.
        forwarded = forwarded.replace(_VIA, _VIA_10, 1)
    authority = request.authority
    if authority and _FORWARDED_HOST not in forwarded:
        forwarded += _FORWARDED_HOST + authority
    return before, forwarded + b"\r\n\r\n"
