"""Requests at a fixed rate: the times at which they are to be sent are fixed in advance, and waiting counts from there.

Who waits for an answer before the next request is sent measures nothing while the server is slow. Here a request that
finds no free connection waits for one, and its time runs. A process of its own, so that nothing else delays it:
`python -m tests.benchmarks.load PORT PATH RATE SECONDS` prints `Answered` as JSON.
"""

from __future__ import annotations

import gc
import re
import select
import socket
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import msgspec

CONNECTIONS = 32
# What is not answered within this time after the last request counts as an error.
PATIENCE_SECONDS = 5.0

_length = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE).search
_revision = re.compile(rb"\r\nx-answered: (\d+)", re.IGNORECASE).search
_seen = re.compile(rb'"uri":"/v(\d+)/[^"]*","seen":"(\d+)"').search


class Answered(msgspec.Struct):
    """One entry for each request, in the order of answers; times are seconds of the monotonic clock.

    `revisions` has what the answer says about the revision that served it: 0 where it says nothing, -1 where it
    contradicts itself. `errors` are answers other than 200, broken connections and answers that never came.
    """

    began: float
    due: list[float] = []
    done: list[float] = []
    revisions: list[int] = []
    errors: list[str] = []

    def latencies(self, since: float = 0.0, until: float = float("inf")) -> list[float]:
        """Return the milliseconds of the requests that were due between two moments."""
        return [(done - due) * 1000 for due, done in zip(self.due, self.done, strict=True) if since <= due < until]


def percentile(values: list[float], share: float) -> float:
    """Return the value that this share of all values does not pass."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def command(port: int, path: str, rate: int, seconds: float) -> list[str]:
    """Return the command of a load."""
    return [sys.executable, "-m", "tests.benchmarks.load", str(port), path, str(rate), str(seconds)]


def offer(port: int, path: str, rate: int, seconds: float) -> Answered:
    """Put a load on a port of this machine and return what came of it."""
    run = subprocess.run(command(port, path, rate, seconds), capture_output=True, check=True)
    return msgspec.json.decode(run.stdout, type=Answered)


def revision_of(answer: bytes) -> int:
    """Return the revision that an answer is from, by the header, the path and the header that the service has seen."""
    answered, seen = _revision(answer), _seen(answer)
    if answered is None:
        return 0
    if seen is None or not answered[1] == seen[1] == seen[2]:
        return -1
    return int(answered[1])


def main(port: int, path: str, rate: int, seconds: float) -> Answered:
    """Send and read until all is answered."""
    gc.disable()
    # Wake when it is time, not up to 50 µs later.
    Path("/proc/self/timerslack_ns").write_text("1")
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench/1\r\nAccept: */*\r\n\r\n".encode()
    idle = deque(_connect(port) for _ in range(CONNECTIONS))
    busy: dict[socket.socket, tuple[float, bytes]] = {}
    clock = time.monotonic
    total = int(rate * seconds)
    # A moment for the connections to be accepted.
    began = clock() + 0.1
    answered = Answered(began)
    waiting: deque[float] = deque()
    sent = 0
    while (sent < total or busy or waiting) and clock() < began + seconds + PATIENCE_SECONDS:
        while sent < total and began + sent / rate <= clock():
            waiting.append(began + sent / rate)
            sent += 1
        while waiting and idle:
            connection = idle.popleft()
            connection.sendall(request)
            busy[connection] = waiting.popleft(), b""
        pause = began + sent / rate - clock() if sent < total else 0.1
        for connection in select.select(list(busy), [], [], max(0.0, pause))[0]:
            due, data = busy.pop(connection)
            data += _receive(connection)
            end = data.find(b"\r\n\r\n") + 4
            length = _length(data, 0, end) if end > 3 else None
            if length is not None and len(data) >= end + int(length[1]):
                answered.due.append(due)
                answered.done.append(clock())
                answered.revisions.append(revision_of(data))
                if not data.startswith(b"HTTP/1.1 200 "):
                    answered.errors.append(data[:60].decode("latin-1").partition("\r")[0])
                idle.append(connection)
            elif data.endswith(b"\0closed"):
                answered.errors.append("connection closed")
                idle.append(_connect(port))
            else:
                busy[connection] = due, data
    answered.errors += ["no answer"] * (len(busy) + len(waiting))
    return answered


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536) or b"\0closed"
    except OSError:
        return b"\0closed"


def _connect(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), 5)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
    )
