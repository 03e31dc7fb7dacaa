"""Memory of one worker: by itself, with idle connections, and after many reloads."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tests.benchmarks import peers
from tests.benchmarks.documents import CASES

IDLE = 1000
WORKER_MIB_GOAL = 60.0
IDLE_KIB_GOAL = 12.0
RELOADS_GOAL = 0.05


def resident_kib(pid: int | str) -> int:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise LookupError(f"process {pid} has no resident memory")


def measure(folder: str) -> list[str]:
    """Measure, print a line for each and return the goals that were missed."""
    service, port = peers.free_port(), peers.free_port()
    with (
        peers.running(peers.service(folder, service), service),
        peers.running(peers.gateway(port, service, "policies"), port) as pid,
    ):
        _connect(port, 10)  # the first requests bring in what every worker needs sooner or later
        before = resident_kib(pid)
        connections = _connect(port, IDLE)
        each = (resident_kib(pid) - before) / IDLE
        for connection in connections:
            connection.close()
    said = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_reloads"], capture_output=True, text=True, check=True
    )
    first, last = (int(kib) for kib in said.stdout.split())
    growth = last / first - 1
    rows = [
        ("worker, MiB", before / 1024, WORKER_MIB_GOAL),
        ("idle connection that has asked with 5 headers, KiB", each, IDLE_KIB_GOAL),
        ("growth over 1 000 reloads, %", growth * 100, RELOADS_GOAL * 100),
    ]
    print(f"\n{'memory':<52}{'measured':>9}{'goal':>6}")
    for name, measured, goal in rows:
        print(f"{name:<52}{measured:>9.1f}{goal:>6.0f}")
    return [f"{name}: {measured:.1f}, the goal is {goal:.0f}" for name, measured, goal in rows if measured > goal]


def _connect(port: int, count: int) -> list[socket.socket]:
    """Return connections that have each had one answer, and wait for nothing."""
    case = CASES["policies"]
    headers = {"Host": "shop.example", "User-Agent": "bench/1", **case.headers}
    lines = [f"GET {case.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    opened = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(request)
        if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
            sys.exit("The gateway did not answer as it should.")
        opened.append(connection)
    return opened
