"""Memory of one worker: by itself, with idle connections in plain text and with TLS, and after many reloads."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from pathlib import Path

import msgspec

from gateway_runtime.schema import document as documents
from tests.benchmarks import peers
from tests.benchmarks.documents import CASES, document
from tests.benchmarks.findings import Findings, Progress
from tests.benchmarks.worker import one_worker

IDLE = 1000
RELOADS = 10_000
# What a worker needs sooner or later has been brought in by then.
WARM_UP = 500
APIS = 20
WORKER_GOAL_MIB = 60.0
IDLE_GOAL_KIB = 12.0
RELOADS_GOAL = 5.0


def resident_kib(pid: int | str) -> int:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise LookupError(f"process {pid} has no resident memory")


def measure(folder: str, progress: Progress) -> Findings:
    """Measure one after the other, each in a process of its own."""
    findings = Findings()
    rows = []
    for case, name in (("policies", "plain text"), ("tls", "TLS")):
        progress(f"{IDLE} idle connections, {name}")
        each, worker = _idle(folder, case)
        if case == "policies":
            rows.append(("worker with four policies, MiB", worker / 1024, WORKER_GOAL_MIB))
        # With TLS most of it is OpenSSL's.
        goal = IDLE_GOAL_KIB if case == "policies" else float("inf")
        rows.append((f"idle connection, {name}, KiB", each, goal))
    first, last, took = asyncio.run(_reload(progress))
    rows.append((f"worker process after {WARM_UP:,} reloads, MiB", first / 1024, WORKER_GOAL_MIB))
    rows.append((f"and after {RELOADS:,}, MiB", last / 1024, WORKER_GOAL_MIB))
    rows.append((f"growth over {RELOADS - WARM_UP:,} reloads, %", abs(last / first - 1) * 100, RELOADS_GOAL))
    findings.table(
        ["memory", "measured", "goal"],
        [[name, f"{measured:.1f}", findings.judge(name, measured, goal)] for name, measured, goal in rows],
    )
    findings.say(
        f"Resident memory of the process. {IDLE:,} connections, each of which has had one answer to a request with "
        f"five headers. A reload: {APIS} APIs with four policies each, of which one is another one each time; "
        f"{took / RELOADS * 1000:.1f} ms each from the supervisor's pool to the worker's answer."
    )
    return findings


def _idle(folder: str, case: str) -> tuple[float, int]:
    """Return what a connection needs and what the worker has without them, in KiB."""
    service, port = peers.free_port(), peers.free_port()
    with (
        peers.running(peers.service(folder, service), service),
        peers.running(peers.gateway(port, service, case), port) as pid,
    ):
        # The first ones bring in what every worker needs.
        _connect(port, case, 10)
        before = resident_kib(pid)
        connections = _connect(port, case, IDLE)
        each = (resident_kib(pid) - before) / IDLE
        for connection in connections:
            connection.close()
    return each, before


def _connect(port: int, name: str, count: int) -> list[socket.socket]:
    """Return connections that have each had one answer, and wait for nothing."""
    case = CASES[name]
    headers = {"Host": "shop.example", "User-Agent": "bench/1", "Accept": "*/*", **case.headers}
    lines = [f"GET {case.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opened = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        if case.scheme == "https":
            connection = context.wrap_socket(connection)
        connection.sendall(request)
        if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
            sys.exit("The gateway did not answer as it should.")
        opened.append(connection)
    return opened


async def _reload(progress: Progress) -> tuple[int, int, float]:
    """Return the memory of a worker process early and in the end (KiB), and how many seconds all reloads took."""
    port, service = peers.free_port(), peers.free_port()
    found = document("policies", port, service)
    (api,) = found.apis
    apis = []
    for n in range(APIS):
        policies = [msgspec.structs.replace(binding, id=f"{n}-{binding.id}") for binding in api.policies]
        apis.append(msgspec.structs.replace(api, id=f"a-{n}", base_path=f"/api-{n}", policies=policies))
    took = 0.0
    first = 0
    async with one_worker() as worker:
        for number in range(1, RELOADS + 1):
            changed = apis[number % APIS]
            inbound = [{"key": "x-revision", "value": str(number)}]
            policies = [
                *changed.policies[:-1],
                msgspec.structs.replace(changed.policies[-1], config={"inboundHeaders": inbound}),
            ]
            apis[number % APIS] = msgspec.structs.replace(changed, policies=policies)
            took += await worker.apply(number, documents.encode(msgspec.structs.replace(found, apis=apis)))
            worker.applied.clear()
            if number == WARM_UP:
                first = resident_kib(worker.pid)
            if number % 1000 == 0:
                progress(f"{number:,} of {RELOADS:,} reloads")
        return first, resident_kib(worker.pid), took
