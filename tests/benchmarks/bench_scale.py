"""Many APIs on one gateway: what matching costs, what compiling costs, and what a publish costs those who wait."""

from __future__ import annotations

import gc
import random
import statistics
import subprocess
import sys
import time

import msgspec

from gateway_runtime.configuration.compiler import Compiled, Compiler
from gateway_runtime.http.state import WorkerState
from gateway_runtime.routing.table import PortTable
from gateway_runtime.schema import document as documents
from gateway_runtime.telemetry.recorder import Recorder
from tests.benchmarks.bench_changes import measure_changes
from tests.benchmarks.bench_memory import resident_kib
from tests.benchmarks.documents import revised
from tests.benchmarks.findings import Findings, Progress

SIZES = (1, 1_000, 10_000)
ROUTES = 5
ROUNDS = 7
LOOKS = 20_000
PORT = 8080
GROWTH_GOAL = 1.15
SLICES = 5


class Scale(msgspec.Struct):
    """What one size costs; times in milliseconds, those of a match in microseconds.

    `pause` and `again_pause` are the longest steps, in which no request is served; `again` compiles a revision in which
    one API is another one. `spread` asks for every API in turn, so that nothing is in the processor's cache.
    """

    apis: int
    megabytes: float
    compile: float
    pause: float
    again: float
    again_pause: float
    mebibytes: float
    first: float
    last: float
    spread: float


def measure(folder: str, progress: Progress) -> Findings:
    """Compile and match in processes of their own, then publish the largest document under load."""
    findings = Findings()
    found: list[list[Scale]] = []
    for size in SIZES:
        progress(f"{size:,} APIs with {ROUTES} routes each")
        command = [sys.executable, "-m", "tests.benchmarks.bench_scale", str(size)]
        # The clock of a busy machine is not that of the program: the best of a few is what it costs.
        found.append([_read(command) for _ in range(3)])
    best = [
        Scale(**{name: min(getattr(scale, name) for scale in each) for name in Scale.__struct_fields__})
        for each in found
    ]
    rows = []
    for scale in best:
        ratio = scale.last / best[0].last
        goal = findings.judge(f"matching with {scale.apis:,} APIs to matching with one", ratio, GROWTH_GOAL)
        rows.append([
            f"{scale.apis:,}", f"{scale.apis * ROUTES:,}", f"{scale.first:.2f}", f"{scale.last:.2f}", f"{ratio:.2f}",
            goal, f"{scale.spread:.2f}",
        ])  # fmt: skip
    findings.table(["APIs", "routes", "first, µs", "last, µs", "ratio", "goal", "all in turn, µs"], rows)
    findings.say(
        "User time of finding API and route of a path: of the first API, of the last one, and of every API in turn, "
        "where what grows is how often the processor waits for memory and not how much is done."
    )
    rows = [
        [
            f"{scale.apis:,}", f"{scale.megabytes:.1f}", f"{scale.mebibytes:.0f}", f"{scale.compile:.0f}",
            f"{scale.pause:.1f}", f"{scale.again:.0f}", f"{scale.again_pause:.1f}",
        ]
        for scale in best
    ]  # fmt: skip
    findings.table(
        [
            "APIs",
            "document, MB",
            "compiled, MiB",
            "compile, ms",
            "longest step, ms",
            "one changed, ms",
            "longest step, ms",
        ],
        rows,
    )
    row, took = measure_changes(folder, progress, findings, SIZES[-1], SLICES, judged=False)
    findings.say(
        f"With {row[0]} APIs and a revision every second, of which one API is another one, p99 of 1 000 requests/s is "
        f"{row[6]} ms beside {row[5]} ms without changes, {row[3]} answers wrong; a revision is in force "
        f"{statistics.median(took) * 1000:.0f} ms after the worker was told."
    )
    if row[3] != "0":
        findings.missed.append(f"{row[3]} wrong answers while {row[0]} APIs are published")
    return findings


def _read(command: list[str]) -> Scale:
    said = subprocess.run(command, capture_output=True, check=True)
    return msgspec.json.decode(said.stdout, type=Scale)


def _compile(compiler: Compiler, number: int, data: bytes, before: Compiled | None) -> tuple[Compiled, float, float]:
    """Compile as a worker does. Return that, how long it took and how long its longest step was, in milliseconds."""
    steps = compiler.steps(number, "", data, before.snapshot if before else None)
    longest, began = 0.0, time.perf_counter()
    while True:
        step = time.perf_counter()
        try:
            next(steps)
        except StopIteration as end:
            compiled: Compiled = end.value
            break
        finally:
            longest = max(longest, time.perf_counter() - step)
    step = time.perf_counter()
    compiler.commit(compiled.snapshot)
    now = time.perf_counter()
    return compiled, (now - began) * 1000, max(longest, now - step) * 1000


def _match(table: PortTable, paths: list[bytes]) -> float:
    """Return the microseconds of user time that finding API and route takes, best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for path in paths:
            api = table.find(path)
            assert api is not None
            assert api.find(b"GET", path, b"bench", list) is not None
        best = min(best, time.process_time() - began)
    return best / len(paths) * 1e6


def main(apis: int) -> Scale:
    """Compile so many APIs, change one, and match."""
    # One API of the document is the one that changes.
    one, two = (documents.encode(revised(number, PORT, 9000, apis)) for number in (1, 2))
    gc.disable()
    compiler = Compiler(WorkerState(recorder=Recorder()).pools)
    before = resident_kib("self")
    compiled, took, pause = _compile(compiler, 1, one, None)
    grown = resident_kib("self") - before
    compiled, again, again_pause = _compile(compiler, 2, two, compiled)
    gc.freeze()
    table = compiled.snapshot.ports[PORT]
    chance = random.Random(7)
    spread = [b"/api-%d/resource-%d/17/item" % (n % apis, chance.randrange(ROUTES)) for n in range(LOOKS)]
    first, last = (b"/api-%d/resource-%d/17/item" % (n, ROUTES - 1) for n in (0, apis - 1))
    return Scale(
        apis=apis, megabytes=len(one) / 1e6, compile=took, pause=pause, again=again, again_pause=again_pause,
        mebibytes=grown / 1024, first=_match(table, [first] * LOOKS), last=_match(table, [last] * LOOKS),
        spread=_match(table, spread),
    )  # fmt: skip


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(main(int(sys.argv[1]))))
