"""What a proxy adds to the latency of a service at a fixed rate that nobody is busy with."""

from __future__ import annotations

import statistics
from contextlib import ExitStack

from tests.benchmarks import load, peers
from tests.benchmarks.findings import Findings, Progress

RATE = 1000
SECONDS = 3.0
ROUNDS = 7
P50_GOAL_MS = 0.3
P99_GOAL_MS = 2.0


def measure(folder: str, progress: Progress) -> Findings:
    """Ask the service directly, through its peers and through the gateway in turns."""
    rounds: dict[str, list[tuple[float, float]]] = {}
    errors = 0
    with ExitStack() as stack:
        service = peers.free_port()
        stack.enter_context(peers.running(peers.service(folder, service), service))
        ports = {"direct": service}
        started = {"nginx": peers.nginx, "haproxy": peers.haproxy}
        for name in ("nginx", "haproxy"):
            if name in peers.versions():
                ports[name] = peers.free_port()
                stack.enter_context(peers.running(started[name](folder, ports[name], service), ports[name]))
        ports["gateway"] = peers.free_port()
        stack.enter_context(peers.running(peers.gateway(ports["gateway"], service, "bare"), ports["gateway"]))
        for number in range(ROUNDS):
            progress(f"round {number + 1} of {ROUNDS}")
            for name, port in ports.items():
                answered = load.offer(port, "/orders/1", RATE, SECONDS)
                errors += len(answered.errors)
                taken = answered.latencies()
                rounds.setdefault(name, []).append((load.percentile(taken, 0.5), load.percentile(taken, 0.99)))
    findings = Findings()
    rows = []
    for name, found in rounds.items():
        p50, p99 = (statistics.median(each[index] for each in found) for index in (0, 1))
        more50, more99 = (
            statistics.median(each[index] - direct[index] for each, direct in zip(found, rounds["direct"], strict=True))
            for index in (0, 1)
        )
        goals = ["", ""]
        if name == "gateway":
            goals = [
                findings.judge("added p50", more50, P50_GOAL_MS, " ms"),
                findings.judge("added p99", more99, P99_GOAL_MS, " ms"),
            ]
        more = ["", ""] if name == "direct" else [f"{more50:+.3f}", f"{more99:+.3f}"]
        rows.append([name, f"{p50:.3f}", more[0], goals[0], f"{p99:.3f}", more[1], goals[1]])
    findings.table(["ms", "p50", "added", "goal", "p99", "added", "goal"], rows)
    findings.say(
        f"{RATE} requests/s on {load.CONNECTIONS} connections, latency from the time a request was to be sent; medians "
        f"of {ROUNDS} interleaved rounds of {SECONDS:g} s; what is added is compared within each round."
    )
    if errors:
        findings.missed.append(f"{errors} requests of the latency benchmark were not answered as they should be")
    return findings
