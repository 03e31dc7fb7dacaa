"""Large bodies pass through a real gateway in constant memory. PORTICO_STREAM_GB chooses how large (default 1)."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import GatewayProcess, api, call, document
from tests.integration.publisher import Publisher

pytestmark = pytest.mark.integration

SIZE = int(float(os.environ.get("PORTICO_STREAM_GB", "1")) * 1_000_000_000)
BLOCK = bytes(1 << 20)
# Buffers of both connections and what the allocator keeps of them; a body that is held would be far more.
GROWTH = 16_000_000


class LargeService:
    """Answers GET with a body of `SIZE` zeros, and swallows what it is sent and says how much it was."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            head, _, body = read_head(connection)
            if head.startswith(b"GET /small"):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            elif head.startswith(b"GET"):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % SIZE)
                send_zeros(connection, SIZE)
            else:
                took = b"%d" % (len(body) + swallow(connection, SIZE - len(body)))
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(took) + took
                )

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def read_head(connection: socket.socket) -> tuple[bytes, bytes, bytes]:
    """Read up to the empty line. Return the head, the empty line, and what has come of the body."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65536)
        if not received:
            break
        data += received
    return data.partition(b"\r\n\r\n")


def send_zeros(connection: socket.socket, count: int) -> None:
    """Send so many bytes."""
    while count:
        piece = memoryview(BLOCK)[:count]
        connection.sendall(piece)
        count -= len(piece)


def swallow(connection: socket.socket, count: int) -> int:
    """Read so many bytes, or to the end. Return how many there were."""
    buffer = bytearray(1 << 20)
    received = 0
    while received < count:
        size = connection.recv_into(buffer, min(len(buffer), count - received))
        if not size:
            break
        received += size
    return received


@pytest.fixture
def service() -> Iterator[LargeService]:
    running = LargeService()
    yield running
    running.close()


@pytest.fixture
def ready(gateway: GatewayProcess, publisher: Publisher, service: LargeService, port: int) -> GatewayProcess:
    """The gateway with the service behind it; every worker has answered and so has what a request needs."""
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(service.port))))
    for _ in range(20):
        assert call(port, "/orders/small").status == 200
    return gateway


def highest_memory(process: GatewayProcess) -> int:
    """Return the sum of the workers' highest resident sizes so far, in bytes."""
    return sum(
        int(line.split()[1]) * 1024
        for pid in process.worker_pids()
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    )


def test_a_large_download_needs_no_memory(ready: GatewayProcess, port: int) -> None:
    before = highest_memory(ready)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(b"GET /orders/large HTTP/1.1\r\nHost: a\r\n\r\n")
        _, _, body = read_head(client)
        assert len(body) + swallow(client, SIZE - len(body)) == SIZE
    assert highest_memory(ready) - before < GROWTH


def test_a_large_upload_needs_no_memory(ready: GatewayProcess, port: int) -> None:
    before = highest_memory(ready)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(b"PUT /orders/large HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE)
        send_zeros(client, SIZE)
        head, _, body = read_head(client)
    assert head.startswith(b"HTTP/1.1 200"), head
    assert body == b"%d" % SIZE
    assert highest_memory(ready) - before < GROWTH
