"""Where the bare proxy's time goes: kernel, event loop and our own code, and that by function."""

from __future__ import annotations

import cProfile
import pstats
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks import peers
from tests.benchmarks.bench_proxy import Round, Turn, measure_rounds
from tests.benchmarks.documents import Case
from tests.benchmarks.findings import Findings, Progress
from tests.benchmarks.loop import Loop

ROUNDS = 5
REQUESTS = 20_000
# What takes less of our own time is not shown.
SHOWN = 0.01


def measure(folder: str, progress: Progress) -> Findings:
    """Split the time of a request by where it is spent. No goal: it explains those of others."""
    with ExitStack() as stack:
        service, nginx, gateway = (peers.free_port() for _ in range(3))
        stack.enter_context(peers.running(peers.service(folder, service), service))
        turns = {
            "nginx": Turn(
                stack.enter_context(peers.running(peers.nginx(folder, nginx, service), nginx)), nginx, Case()
            ),
            "bare": Turn(
                stack.enter_context(peers.running(peers.gateway(gateway, service, "bare"), gateway)), gateway, Case()
            ),
        }
        rounds = measure_rounds(turns, ROUNDS, progress)
    progress("without sockets")
    said = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.loop"], capture_output=True, text=True, check=True
    ).stdout
    findings = Findings()
    _split(findings, rounds, float(said.split()[0]))
    progress("by function")
    _functions(findings)
    return findings


def _split(findings: Findings, rounds: dict[str, list[Round]], own: float) -> None:
    user, system = (statistics.median(getattr(r, part) for r in rounds["bare"]) for part in ("user", "system"))
    nginx = statistics.median(r.total for r in rounds["nginx"])
    rows = [
        [name, f"{micros:.1f}", f"{micros / (user + system):.0%}", f"{micros / nginx:.2f}"]
        for name, micros in (
            ("kernel: reading, writing, polling", system),
            ("event loop, interpreter's start of each callback, C library", max(0.0, user - own)),
            ("our own code", own),
            ("all", user + system),
        )
    ]
    findings.table(["part of the bare proxy", "µs/request", "share", "× nginx"], rows)
    findings.say(
        f"CPU time beside nginx in the same rounds (nginx: {nginx:.1f} µs). Our own code is measured without sockets, "
        "in one process, with a request and an answer that are the same again and again."
    )


def _functions(findings: Findings) -> None:
    loop = Loop()
    loop.run(1000)
    profile = cProfile.Profile()
    profile.enable()
    loop.run(REQUESTS)
    profile.disable()
    stats = pstats.Stats(profile)
    entries = stats.stats  # type: ignore[attr-defined]
    whole = sum(own for _, _, own, _, _ in entries.values())
    rows = []
    frames = 0.0
    for (path, _, name), (_, calls, own, _, _) in sorted(entries.items(), key=lambda each: -each[1][2]):
        if path != "~":
            frames += calls / REQUESTS
        if own / whole >= SHOWN:
            where = f"{Path(path).parent.name}/{Path(path).name} {name}" if path != "~" else name.strip("<>")
            rows.append([where, f"{calls / REQUESTS:.0f}", f"{own / whole:.1%}"])
    findings.table(["function", "calls/request", "share of our own time"], rows)
    findings.say(
        f"{frames:.0f} frames of Python a request. Shares are those of a profiler, which makes every call dearer than "
        "it is; they compare."
    )
