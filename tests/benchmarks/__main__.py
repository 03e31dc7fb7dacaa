"""`make bench`: measure every case, print the table, and fail when a goal is missed.

Added latency at a fixed rate and configuration changes under load are not measured yet; JWT and message logging will
take the place of two of the four policies when they are there.
"""

import os
import platform
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks import bench_memory, bench_proxy, peers


def main() -> None:
    """Measure and print. Exits with 1 when a goal is missed or nothing could be measured."""
    for tool in ("wrk", "nginx"):
        if shutil.which(tool) is None:
            sys.exit(f"BENCH NOT RUN: {tool} is not on PATH. Install it to compare the gateway with nginx.")
    found = peers.versions()
    absent = "" if "haproxy" in found else ", HAProxy not installed"
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.machine()}, {os.cpu_count()} CPUs, {model}")
    print(f"Linux {platform.release()}, load {os.getloadavg()[0]:.1f}")
    print(f"Python {platform.python_version()}, uvloop {version('uvloop')}; ", end="")
    print(", ".join(f"{name} {number}" for name, number in found.items()) + absent)
    print("Policies: basic authentication, client ID, rate limit by application, header injection both ways.")
    print(
        f"{bench_proxy.ROUNDS} interleaved rounds of {bench_proxy.SECONDS} s, {bench_proxy.CONNECTIONS} connections\n"
    )
    with tempfile.TemporaryDirectory(prefix="portico-bench-") as folder:
        missed = bench_proxy.report(bench_proxy.measure(folder))
        missed += bench_memory.measure(folder)
    if missed:
        sys.exit("\nGOAL MISSED: " + "\nGOAL MISSED: ".join(missed))


if __name__ == "__main__":
    main()
