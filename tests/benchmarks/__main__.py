"""`make bench`: measure, print tables that are Markdown, and fail when a goal is missed or could not be measured.

`make bench latency tls` (`python -m tests.benchmarks latency tls`) runs some of them. With `--write` the tables
also take the place of those in `results.md`. Progress is written to the standard error.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks import peers
from tests.benchmarks.cases import BENCHMARKS, Benchmark, chosen
from tests.benchmarks.findings import Findings, replace_section

RESULTS = Path(__file__).with_name("results.md")


def main() -> None:
    """Measure and print. Exits with 1 when a goal is missed or a benchmark could not be run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    names = ", ".join(benchmark.name for benchmark in BENCHMARKS)
    parser.add_argument("case", nargs="*", help=f"any of: {names}; without any, all but profile")
    parser.add_argument("--write", action="store_true", help="put the tables into results.md, too")
    arguments = parser.parse_args()
    benchmarks = chosen(arguments.case)
    began = _machine()
    print(began, flush=True)
    page = RESULTS.read_text(encoding="utf-8")
    missed: list[str] = []
    for benchmark in benchmarks:
        findings = _run(benchmark)
        missed += findings.missed
        print(f"\n### {benchmark.title}\n\n{findings}", flush=True)
        page = replace_section(page, benchmark.name, f"### {benchmark.title}\n\n{began}\n\n{findings}")
    if arguments.write:
        RESULTS.write_text(page, encoding="utf-8")
    if missed:
        sys.exit("\nGOAL MISSED: " + "\nGOAL MISSED: ".join(missed))


def _run(benchmark: Benchmark) -> Findings:
    absent = [tool for tool in benchmark.needs if shutil.which(tool) is None]
    if absent:
        sentence = f"NOT RUN: {' and '.join(absent)} not on PATH. Install it to measure this."
        return Findings([sentence], [f"{benchmark.name}: {sentence}"])
    started = time.monotonic()

    def progress(what: str) -> None:
        print(f"  {benchmark.name} {time.monotonic() - started:4.0f} s  {what}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="portico-bench-") as folder:
        # nginx's processes and those it is started by may be of different users.
        Path(folder).chmod(0o755)
        return benchmark.measure(folder, progress)


def _machine() -> str:
    """Return when and on what this was measured, and beside whom."""
    found = peers.versions()
    absent = [f"{name} is not installed" for name in ("nginx", "haproxy", "wrk") if name not in found]
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    servers = [f"{name} {number}" for name, number in found.items()]
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.machine()} ({model}), {os.cpu_count()} CPUs, load "
        f"{os.getloadavg()[0]:.1f}, Linux {platform.release()}\nPython {platform.python_version()}, uvloop "
        f"{version('uvloop')}; {', '.join([*servers, *absent])}"
    )


if __name__ == "__main__":
    main()
