"""One worker of the gateway for a benchmark: the real listener, compiler and settings, without supervisor and Redis.

`python -m tests.benchmarks.bench_gateway PORT SERVICE_PORT CASE`
"""

import asyncio
import gc
import os
import sys

import uvloop

import gateway_runtime.worker  # noqa: F401 — a worker has it in memory, so that its size counts
from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.http.state import WorkerState
from gateway_runtime.listener import open_listener
from gateway_runtime.schema import document as documents
from gateway_runtime.telemetry.access_sink import AccessSink
from gateway_runtime.telemetry.delivery import Descriptor
from gateway_runtime.telemetry.recorder import Recorder
from tests.benchmarks.documents import document


async def serve(port: int, upstream_port: int, case: str) -> None:
    """Serve until killed."""
    state = WorkerState(recorder=Recorder())
    data = documents.encode(document(case, port, upstream_port))
    # Lines are written as in a worker, to where they cost the disk nothing.
    lines = AccessSink(Descriptor(os.open(os.devnull, os.O_WRONLY)))
    compiler = Compiler(state.pools, add_access_line=lines.add)
    compiled = compiler.compile(1, documents.digest(data), data)
    if compiled.faults:
        sys.exit(f"The case cannot be compiled: {compiled.faults}")
    state.snapshot = compiled.snapshot
    compiler.commit(compiled.snapshot)
    await open_listener("127.0.0.1", port, state, compiled.snapshot.tls.get(port))
    # As a worker does after its first snapshot.
    gc.collect()
    gc.freeze()
    while True:
        await asyncio.sleep(0.5)
        state.recorder.take()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "bare"))
