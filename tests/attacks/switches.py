"""What a service may answer to a WebSocket handshake and must not be believed, by name."""

from __future__ import annotations

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
_ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
_START = b"HTTP/1.1 101 Switching Protocols\r\n"
_LINES = {
    "upgrade": b"Upgrade: websocket\r\n",
    "connection": b"Connection: Upgrade\r\n",
    "accept": b"Sec-WebSocket-Accept: " + _ACCEPT + b"\r\n",
}
# A frame, and what a careless client would take for the answer to its next request.
_STRAY = b"\x81\x05stray" + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"


def _switch(*more: bytes, start: bytes = _START, **other: bytes) -> bytes:
    return start + b"".join({**_LINES, **other}.values()) + b"".join(more) + b"\r\n" + _STRAY


def _switches() -> dict[str, bytes]:
    found = {"ws-good": _switch()}
    for name, line in _LINES.items():
        found[f"ws-no-{name}"] = _switch(**{name: b""})
        found[f"ws-empty-{name}"] = _switch(**{name: line.partition(b":")[0] + b":\r\n"})
        if name != "connection":
            found[f"ws-two-{name}"] = _switch(line)
    accepts = (
        _ACCEPT.lower(),
        _ACCEPT[:-1],
        _ACCEPT + b"=",
        KEY,
        _ACCEPT + b", x",
        b"x" * 28,
        b"aaaaaaaaaaaaaaaaaaaaaaaaaaa=",
    )
    for number, value in enumerate(accepts):
        found[f"ws-accept-{number}"] = _switch(accept=b"Sec-WebSocket-Accept: " + value + b"\r\n")
    for number, value in enumerate((b"h2c", b"websocket, h2c", b"websocket/13", b"foo", b"web socket")):
        found[f"ws-upgrade-{number}"] = _switch(upgrade=b"Upgrade: " + value + b"\r\n")
    for number, value in enumerate(
        (b"close", b"keep-alive", b"upgrade, close", b"upgrade, x-a", b"upgrade, content-length")
    ):
        found[f"ws-connection-{number}"] = _switch(connection=b"Connection: " + value + b"\r\n")
    lines = (
        b"Content-Length: 0",
        b"Content-Length: 5",
        b"Content-Length: +5",
        b"Transfer-Encoding: chunked",
        b"Trailer: X",
        b"Transfer-Encoding: identity",
        b"Sec-WebSocket-Extensions: permessage-deflate",
        b"Sec-WebSocket-Protocol: chat",
        b"Sec-WebSocket-Protocol:",
        b"X A: 1",
        b"X-A : 1",
        b"X-A: \0",
        b"X-A: 1\r",
        b": x",
    )
    for number, line in enumerate(lines):
        found[f"ws-line-{number}"] = _switch(line + b"\r\n")
    for number, start in enumerate(
        (b"HTTP/1.0 101 OK\r\n", b"HTTP/2.0 101 OK\r\n", b"HTTP/1.1 1010 OK\r\n", b"http/1.1 101 OK\r\n")
    ):
        found[f"ws-start-{number}"] = _switch(start=start)
    return found


SWITCHES = _switches()
