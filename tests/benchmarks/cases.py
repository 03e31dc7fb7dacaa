"""The benchmarks by name. A new one is a file with `measure`, and a line here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import (
    bench_changes,
    bench_connections,
    bench_latency,
    bench_limits,
    bench_memory,
    bench_policies,
    bench_portal,
    bench_profile,
    bench_proxy,
    bench_publish,
    bench_scale,
)
from tests.benchmarks.findings import Findings, Progress


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: `measure` gets a folder for its files and whom to tell how far it is. `needs` are programs.

    With `by_name` it is run only when it is asked for.
    """

    name: str
    title: str
    measure: Callable[[str, Progress], Findings]
    needs: tuple[str, ...] = ("nginx",)
    by_name: bool = False


BENCHMARKS = (
    Benchmark("proxy", "CPU time of a proxied request", bench_proxy.measure_plain, ("nginx", "wrk")),
    Benchmark("tls", "CPU time of a proxied request that came with TLS", bench_proxy.measure_tls, ("nginx", "wrk")),
    Benchmark("connections", "CPU time of handshakes, HTTP/2 and WebSockets", bench_connections.measure),
    Benchmark("latency", "Added latency at a fixed rate", bench_latency.measure),
    Benchmark("changes", "A configuration change every second under load", bench_changes.measure),
    Benchmark("memory", "Memory of a worker", bench_memory.measure),
    Benchmark("scale", "Many APIs on one gateway", bench_scale.measure),
    Benchmark("limits", "How exact limits in fast mode are", bench_limits.measure, ()),
    Benchmark("policies", "CPU time of one policy", bench_policies.measure, ()),
    Benchmark("portal", "Server time of the portal's pages", bench_portal.measure, ()),
    Benchmark("publish", "From a saved change to its enforcement", bench_publish.measure, ()),
    Benchmark("profile", "Where the bare proxy's time goes", bench_profile.measure, ("nginx", "wrk"), by_name=True),
)


def chosen(names: list[str]) -> list[Benchmark]:
    """Return the benchmarks of these names, without any all of them. Ends the program at an unknown name."""
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    for name in names:
        if name not in known:
            sys.exit(f"There is no benchmark “{name}”. There are: {', '.join(known)}.")
    return [known[name] for name in names] or [each for each in BENCHMARKS if not each.by_name]
