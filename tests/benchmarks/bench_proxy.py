"""CPU time per proxied request of each case, beside nginx (and HAProxy) in front of the same service.

Keep-alive, 32 connections, small JSON, one worker each. Rounds are interleaved, and each round of the gateway is
compared with the rounds of its peers right beside it: what counts is the median of those ratios.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import peers
from tests.benchmarks.documents import CASES, Case

ROUNDS = 9
SECONDS = 1
CONNECTIONS = 32

# Another path, another header and so another answer for every request: nothing is there twice.
_VARIED = """
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/orders/" .. n .. "?n=" .. n, {["traceparent"] = "00-" .. n .. "-" .. n * 7 .. "-01"})
end
"""


@dataclass(frozen=True)
class Round:
    """Microseconds of CPU for each request of one round, in the process and in the kernel for it."""

    user: float
    system: float

    @property
    def total(self) -> float:
        """Return both together."""
        return self.user + self.system


@dataclass(frozen=True)
class Comparison:
    """One line of the table: a name, what it is compared with and the ratio that must not be passed (0: none)."""

    name: str
    base: str
    goal: float = 0.0


COMPARISONS = (
    Comparison("nginx", "nginx"),
    Comparison("haproxy", "nginx"),
    Comparison("bare", "nginx", 1.25),
    Comparison("policies", "nginx", 1.75),
    Comparison("nginx, varied", "nginx, varied"),
    Comparison("bare, varied", "nginx, varied"),
    Comparison("nginx, tls", "nginx, tls"),
    Comparison("tls", "nginx, tls", 1.3),
    Comparison("one-api", "nginx"),
    Comparison("many-apis", "one-api", 1.15),
)


def cpu_seconds(pid: int) -> tuple[float, float]:
    """Return the user and the system time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick


def one_round(pid: int, port: int, case: Case, script: str = "") -> Round:
    """Put load on a server for a moment and return what each request cost it."""
    before = cpu_seconds(pid)
    headers = [part for name, value in case.headers.items() for part in ("-H", f"{name}: {value}")]
    if script:
        headers += ["-s", script]
    url = f"{case.scheme}://127.0.0.1:{port}{case.path}"
    output = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", *headers, url], capture_output=True, text=True, check=True
    ).stdout
    after = cpu_seconds(pid)
    found = re.search(r"(\d+) requests in", output)
    if found is None or "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"The load was not answered as it should be:\n{output}")
    user, system = ((b - a) * 1e6 / int(found[1]) for a, b in zip(before, after, strict=True))
    return Round(user, system)


def measure(folder: str) -> dict[str, list[Round]]:
    """Run all peers and all cases of the gateway side by side and return their rounds."""
    varied = Path(folder, "varied.lua")
    varied.write_text(_VARIED)
    with ExitStack() as stack:

        def start(command: list[str], port: int) -> tuple[int, int]:
            return stack.enter_context(peers.running(command, port)), port

        service = peers.free_port()
        start(peers.service(folder, service), service)
        port = peers.free_port()
        nginx = start(peers.nginx(folder, port, service), port)
        turns = {"nginx": (*nginx, Case(), "")}
        port = peers.free_port()
        turns["nginx, tls"] = (*start(peers.nginx_tls(folder, port, service), port), CASES["tls"], "")
        if "haproxy" in peers.versions():
            port = peers.free_port()
            turns["haproxy"] = (*start(peers.haproxy(folder, port, service), port), Case(), "")
        for name, case in CASES.items():
            port = peers.free_port()
            turns[name] = (*start(peers.gateway(port, service, name), port), case, "")
        turns["nginx, varied"] = (*nginx, Case(), str(varied))
        turns["bare, varied"] = (*turns["bare"][:2], Case(), str(varied))
        rounds: dict[str, list[Round]] = {name: [] for name in turns}
        for _ in range(ROUNDS):
            for name, (pid, port, case, script) in turns.items():
                rounds[name].append(one_round(pid, port, case, script))
    return rounds


def report(rounds: dict[str, list[Round]]) -> list[str]:
    """Print a line for each comparison and return the goals that were missed."""
    missed = []
    print(f"{'case':<16}{'µs/request':>12}{'user':>8}{'system':>8}{'ratio':>8}  {'to':<15}{'goal':>6}")
    for comparison in COMPARISONS:
        name = comparison.name
        if name not in rounds:
            continue
        total, user, system = (
            statistics.median(getattr(r, part) for r in rounds[name]) for part in ("total", "user", "system")
        )
        ratio = statistics.median(
            r.total / base.total for r, base in zip(rounds[name], rounds[comparison.base], strict=True)
        )
        goal = f"{comparison.goal:.2f}" if comparison.goal else ""
        print(f"{name:<16}{total:>12.1f}{user:>8.1f}{system:>8.1f}{ratio:>8.2f}  {comparison.base:<15}{goal:>6}")
        if comparison.goal and ratio > comparison.goal:
            missed.append(f"{name}: {ratio:.2f} × {comparison.base}, the goal is {comparison.goal} ×")
    return missed
