"""The bare proxy without sockets: the same request and the same answer, over and over, in one process.

What is measured is user time of our own code alone, which a busy machine hardly changes: that of the same request again
and again, and that of varied ones. `python -m tests.benchmarks.loop --against DIR` takes turns with another checkout.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import sys
import time
from collections import deque
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.http.protocol import ClientConnection
from gateway_runtime.http.state import WorkerState
from gateway_runtime.schema import document as documents
from gateway_runtime.telemetry.recorder import Recorder
from tests.benchmarks.documents import document

REQUESTS = 50_000
TURNS = 15
PORT = 8080
REQUEST = b"GET /orders/1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
BODY = b'{"id":1,"customer":"c-17","lines":[{"sku":"A-1","quantity":2,"price":"19.90"}],"status":"shipped"}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 14:00:00 GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n%s" % (len(BODY), BODY)
)


class Transport:
    """A transport that costs as little as one in C: its methods are."""

    def __init__(self) -> None:
        self.written: deque[bytes] = deque(maxlen=1)
        self.write = self.written.append
        self.is_closing: Any = "".__len__

    def get_extra_info(self, name: str) -> tuple[str, int] | None:
        return ("127.0.0.1", 40000) if name == "peername" else None


class Loop:
    """One client connection, one upstream connection, and nothing between."""

    def __init__(self) -> None:
        self.state = WorkerState(recorder=Recorder())
        compiled = Compiler(self.state.pools).compile(1, "", documents.encode(document("bare", PORT, 9000)))
        self.state.snapshot = compiled.snapshot
        self.client = ClientConnection(self.state, PORT)
        self._client_side = Transport()
        self.client.connection_made(self._client_side)  # type: ignore[arg-type]
        pool = compiled.snapshot.apis["a"].routes[0].pool
        (target,) = pool.targets
        target.idle_until = float("inf")
        self.upstream = pool.make_connection(target)
        self.upstream.connection_made(Transport())  # type: ignore[arg-type]
        target.release(self.upstream)

    def run(self, requests: int, *, varied: bool = False) -> None:
        """Proxy so many requests, the same one or one after another of a hundred."""
        ask, answer = self.client.data_received, self.upstream.data_received
        asked = [REQUEST.replace(b"/1 ", b"/%d?n=%d " % (n, n)) for n in range(100)] if varied else [REQUEST]
        for request in islice(cycle(asked), requests):
            ask(request)
            answer(ANSWER)
        assert self._client_side.written[0].endswith(BODY)
        assert self.state.recorder.served >= requests  # type: ignore[attr-defined]


def measure(*, varied: bool = False) -> float:
    """Return the microseconds of user time of a request, the best of a few tries."""
    loop = Loop()
    loop.run(1000, varied=varied)
    gc.collect()
    gc.freeze()
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        loop.run(REQUESTS, varied=varied)
        best = min(best, time.process_time() - began)
    return best / REQUESTS * 1e6


def main() -> None:
    """Print the time of this checkout, or how it compares with another one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--against", type=Path)
    other = parser.parse_args().against
    if other is None:
        print(f"{measure():.3f} {measure(varied=True):.3f}")
        return
    # This very file in both, so that only what it measures is different.
    program = Path(__file__).read_text()
    times = [[_said(program, folder) for folder in (Path(__file__).parents[2], other)] for _ in range(TURNS)]
    for column, name in enumerate(("the same request", "varied requests")):
        here, there = (statistics.median(turn[place][column] for turn in times) for place in (0, 1))
        ratio = statistics.median(turn[1][column] / turn[0][column] for turn in times)
        print(f"{name}: here {here:.3f} µs, there {there:.3f} µs; there / here {ratio:.3f}")


def _said(program: str, folder: Path) -> list[float]:
    run = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    return [float(number) for number in run.stdout.split()]


if __name__ == "__main__":
    main()
