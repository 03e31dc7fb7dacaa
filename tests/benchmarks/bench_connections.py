"""CPU time of what is not a request on a kept connection: TLS handshakes, requests of HTTP/2, messages of WebSockets.

The client is slow and does not matter: what counts is the CPU time of the server's process. Rounds are interleaved.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded

from tests.benchmarks import peers
from tests.benchmarks.bench_proxy import cpu_seconds
from tests.benchmarks.findings import Findings, Progress

ROUNDS = 7
# A tick of CPU time is 10 ms: there have to be many of them.
HANDSHAKES, REQUESTS, MESSAGES = 500, 4000, 20_000
# Streams at a time.
TOGETHER = 20
MESSAGE_BYTES = 100

_ECHO = """
import asyncio, base64, hashlib, sys
async def serve(reader, writer):
    try:
        head = await reader.readuntil(b"\\r\\n\\r\\n")
    except asyncio.IncompleteReadError:  # somebody looks whether it is there
        return writer.close()
    key = next((l.split(b": ")[1] for l in head.split(b"\\r\\n") if l.lower().startswith(b"sec-websocket-key")), b"")
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    writer.write(b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                 b"Sec-WebSocket-Accept: " + accept + b"\\r\\n\\r\\n")
    while data := await reader.read(65536):
        size = data[1] & 127
        writer.write(bytes([130, size]) + b"x" * size)
    writer.close()
async def main():
    await (await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))).serve_forever()
asyncio.run(main())
"""


def handshakes(port: int) -> int:
    """Make connections with TLS 1.3, each for one request, and return how many."""
    context = _context("http/1.1")
    for _ in range(HANDSHAKES):
        with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain) as secured:
            secured.sendall(b"GET /orders/1 HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            _check(secured.recv(65_536).startswith(b"HTTP/1.1 200"))
    return HANDSHAKES


def requests_of_http2(port: int) -> int:
    """Ask on streams of one connection and return how often."""
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", "bench"), (":path", "/orders/1")]
    with socket.create_connection(("127.0.0.1", port)) as plain, _context("h2").wrap_socket(plain) as secured:
        client = H2Connection(H2Configuration(header_encoding=None))
        client.initiate_connection()
        client.increment_flow_control_window(2**30)
        sent = ended = 0
        while ended < REQUESTS:
            while sent < REQUESTS and sent - ended < TOGETHER:
                client.send_headers(client.get_next_available_stream_id(), fields, end_stream=True)
                sent += 1
            secured.sendall(client.data_to_send())
            ended += sum(isinstance(event, StreamEnded) for event in client.receive_data(secured.recv(65_536)))
    return REQUESTS


def messages(port: int) -> int:
    """Send messages through a WebSocket, each after the answer to the one before, and return how many."""
    key = base64.b64encode(os.urandom(16))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(
            b"GET /orders/chat HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
        )
        _check(connection.recv(65_536).startswith(b"HTTP/1.1 101"))
        message = bytes([130, 128 | MESSAGE_BYTES]) + bytes(4) + bytes(MESSAGE_BYTES)
        for _ in range(MESSAGES):
            connection.sendall(message)
            left = MESSAGE_BYTES + 2
            while left:
                got = len(connection.recv(left))
                _check(got > 0)
                left -= got
    return MESSAGES


KINDS: dict[str, tuple[str, Callable[[int], int]]] = {
    "TLS handshake, one request, close": ("tls", handshakes),
    "request of HTTP/2 over TLS": ("tls", requests_of_http2),
    f"WebSocket message of {MESSAGE_BYTES} B and its echo": ("chat", messages),
}


def measure(folder: str, progress: Progress) -> Findings:
    """Measure the gateway beside nginx in front of the same services."""
    with ExitStack() as stack:

        def start(command: Callable[[int], list[str]]) -> tuple[int, int]:
            port = peers.free_port()
            return stack.enter_context(peers.running(command(port), port)), port

        _, service = start(lambda port: peers.service(folder, port))
        _, echo = start(lambda port: [sys.executable, "-c", _ECHO, str(port)])
        servers = {
            ("nginx", "tls"): start(lambda port: peers.nginx_http2(folder, port, service)),
            ("nginx", "chat"): start(lambda port: peers.nginx_tunnels(folder, port, echo)),
            ("gateway", "tls"): start(lambda port: peers.gateway(port, service, "tls")),
            ("gateway", "chat"): start(lambda port: peers.gateway(port, echo, "bare")),
        }
        found: dict[tuple[str, str], list[float]] = {}
        for number in range(ROUNDS):
            progress(f"round {number + 1} of {ROUNDS}")
            for kind, (case, load) in KINDS.items():
                for name in ("nginx", "gateway"):
                    pid, port = servers[name, case]
                    before = sum(cpu_seconds(pid))
                    many = load(port)
                    found.setdefault((kind, name), []).append((sum(cpu_seconds(pid)) - before) * 1e6 / many)
    findings = Findings()
    rows = []
    for kind in KINDS:
        own, other = found[kind, "gateway"], found[kind, "nginx"]
        ratio = statistics.median(mine / max(theirs, 1.0) for mine, theirs in zip(own, other, strict=True))
        rows.append([kind, f"{statistics.median(other):.1f}", f"{statistics.median(own):.1f}", f"{ratio:.2f}"])
    findings.table(["case", "nginx, µs", "gateway, µs", "ratio"], rows)
    findings.say(f"µs of CPU time of the process; medians of {ROUNDS} interleaved rounds. No goal is set for these.")
    return findings


def _context(protocol: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols([protocol])
    return context


def _check(good: bool) -> None:
    if not good:
        sys.exit("The load was not answered as it should be.")
