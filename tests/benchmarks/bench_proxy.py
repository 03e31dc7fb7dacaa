"""CPU time per proxied request of each case, beside nginx and HAProxy in front of the same service.

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
from tests.benchmarks.findings import Findings, Progress

ROUNDS = 9
TLS_ROUNDS = 21
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
# What the client offers is what all servers negotiate: nobody is compared with somebody who has a cheaper cipher.
CIPHER, GROUP = "TLS_AES_128_GCM_SHA256", "X25519"
_CLIENT_TLS = f"""
openssl_conf = conf
[conf]
ssl_conf = ssl
[ssl]
system_default = defaults
[defaults]
MinProtocol = TLSv1.3
Ciphersuites = {CIPHER}
Groups = {GROUP}
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


@dataclass(frozen=True)
class Turn:
    """A server that runs, and what it is asked for in each round."""

    pid: int
    port: int
    case: Case
    script: str = ""


FOUR = "policies: basic authentication, rate limit by key, header injection, message logging"
PLAIN = (
    Comparison("nginx", "nginx"),
    Comparison("haproxy", "nginx"),
    Comparison("bare", "nginx", 1.25),
    Comparison(FOUR, "nginx", 1.75),
    Comparison("nginx, varied", "nginx, varied"),
    Comparison("bare, varied", "nginx, varied"),
    Comparison("one-api", "nginx"),
    Comparison("many-apis", "one-api", 1.15),
)
TLS = (
    Comparison("nginx, tls", "nginx, tls"),
    Comparison("haproxy, tls", "nginx, tls"),
    Comparison("tls", "nginx, tls", 1.3),
)


def measure_plain(folder: str, progress: Progress) -> Findings:
    """Run all peers and all cases without TLS side by side."""
    varied = Path(folder, "varied.lua")
    varied.write_text(_VARIED)
    with ExitStack() as stack:
        service = _start_service(stack, folder)
        turns = {"nginx": _start(stack, peers.nginx, folder, service)}
        if "haproxy" in peers.versions():
            turns["haproxy"] = _start(stack, peers.haproxy, folder, service)
        for case in ("bare", "policies", "one-api", "many-apis"):
            turns[FOUR if case == "policies" else case] = _start_gateway(stack, service, case)
        for name in ("nginx", "bare"):
            turns[f"{name}, varied"] = Turn(turns[name].pid, turns[name].port, Case(), str(varied))
        rounds = measure_rounds(turns, ROUNDS, progress)
    findings = compare(rounds, PLAIN)
    findings.say(
        f"µs of CPU time of the process, {CONNECTIONS} connections, medians of {ROUNDS} interleaved rounds of "
        f"{SECONDS} s. policies: the limit counts by a header, headers are injected both ways, and one line is logged "
        "after each answer. varied: every path, header and answer another one. one-api: 10 regex routes, the last one "
        "hit; many-apis: 600 such APIs, the last one hit."
    )
    return findings


def measure_tls(folder: str, progress: Progress) -> Findings:
    """Run the gateway and its peers with TLS side by side, in more rounds, because the difference is small."""
    settings = Path(folder, "openssl.cnf")
    settings.write_text(_CLIENT_TLS)
    environment = {**os.environ, "OPENSSL_CONF": str(settings)}
    with ExitStack() as stack:
        service = _start_service(stack, folder)
        turns = {"nginx, tls": _start(stack, peers.nginx_tls, folder, service, CASES["tls"])}
        if "haproxy" in peers.versions():
            turns["haproxy, tls"] = _start(stack, peers.haproxy_tls, folder, service, CASES["tls"])
        turns["tls"] = _start_gateway(stack, service, "tls")
        agreed = {name: _agreed(turn.port, environment) for name, turn in turns.items()}
        rounds = measure_rounds(turns, TLS_ROUNDS, progress, environment)
    findings = compare(rounds, TLS)
    findings.say(
        f"µs of CPU time of the process, {CONNECTIONS} kept connections, medians of {TLS_ROUNDS} interleaved rounds of "
        f"{SECONDS} s. The client offers TLS 1.3 with {CIPHER} and {GROUP} alone; agreed: "
        + "; ".join(f"{name}: {cipher}" for name, cipher in agreed.items())
        + "."
    )
    return findings


def _start_service(stack: ExitStack, folder: str) -> int:
    port = peers.free_port()
    stack.enter_context(peers.running(peers.service(folder, port), port))
    return port


def _start(stack: ExitStack, peer: peers.Peer, folder: str, service: int, case: Case | None = None) -> Turn:
    port = peers.free_port()
    return Turn(stack.enter_context(peers.running(peer(folder, port, service), port)), port, case or Case())


def _start_gateway(stack: ExitStack, service: int, name: str) -> Turn:
    port = peers.free_port()
    return Turn(stack.enter_context(peers.running(peers.gateway(port, service, name), port)), port, CASES[name])


def _agreed(port: int, environment: dict[str, str]) -> str:
    """Return version and cipher that a client with these settings agrees on with a server."""
    program = (
        "import socket, ssl; context = ssl._create_unverified_context(); "
        f"made = context.wrap_socket(socket.create_connection(('127.0.0.1', {port})), server_hostname='127.0.0.1'); "
        "print(made.version(), made.cipher()[0])"
    )
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return said.stdout.strip()


def cpu_seconds(pid: int) -> tuple[float, float]:
    """Return the user and the system time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick


def one_round(turn: Turn, seconds: int = SECONDS, environment: dict[str, str] | None = None) -> Round:
    """Put load on a server for a moment and return what each request cost it."""
    before = cpu_seconds(turn.pid)
    headers = [part for name, value in turn.case.headers.items() for part in ("-H", f"{name}: {value}")]
    if turn.script:
        headers += ["-s", turn.script]
    url = f"{turn.case.scheme}://127.0.0.1:{turn.port}{turn.case.path}"
    output = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *headers, url],
        capture_output=True, text=True, check=True, env=environment,
    ).stdout  # fmt: skip
    after = cpu_seconds(turn.pid)
    found = re.search(r"(\d+) requests in", output)
    if found is None or "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"The load was not answered as it should be:\n{output}")
    user, system = ((b - a) * 1e6 / int(found[1]) for a, b in zip(before, after, strict=True))
    return Round(user, system)


def measure_rounds(
    turns: dict[str, Turn], rounds: int, progress: Progress, environment: dict[str, str] | None = None
) -> dict[str, list[Round]]:
    """Take turns so many times and return the rounds of each."""
    found: dict[str, list[Round]] = {name: [] for name in turns}
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        for name, turn in turns.items():
            found[name].append(one_round(turn, environment=environment))
    return found


def compare(rounds: dict[str, list[Round]], comparisons: tuple[Comparison, ...]) -> Findings:
    """Return a table with a line for each comparison of what was measured."""
    findings = Findings()
    rows = []
    for comparison in comparisons:
        name, base = comparison.name, comparison.base
        if name not in rounds:
            continue
        total, user, system = (
            statistics.median(getattr(r, part) for r in rounds[name]) for part in ("total", "user", "system")
        )
        ratios = sorted(r.total / b.total for r, b in zip(rounds[name], rounds[base], strict=True))
        ratio = statistics.median(ratios)
        goal = findings.judge(f"{name} to {base}", ratio, comparison.goal) if comparison.goal else ""
        # The middle half of the rounds says how much the machine can be trusted.
        quarter = len(ratios) // 4
        middle = "" if name == base else f"{ratios[quarter]:.2f} to {ratios[-1 - quarter]:.2f}"
        rows.append([name, f"{total:.1f}", f"{user:.1f}", f"{system:.1f}", f"{ratio:.2f}", middle, base, goal])
    findings.table(["case", "µs/request", "user", "system", "ratio", "middle half", "to", "goal"], rows)
    return findings
