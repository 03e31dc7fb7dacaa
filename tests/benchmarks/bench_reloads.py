"""A thousand revisions compiled as a worker does, one by one; prints its memory (KiB) after 100 and at the end."""

import gc

import msgspec

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.configuration.snapshot import Snapshot
from gateway_runtime.http.state import WorkerState
from gateway_runtime.schema import document as documents
from gateway_runtime.telemetry.recorder import Recorder
from tests.benchmarks.bench_memory import resident_kib
from tests.benchmarks.documents import document

RELOADS = 1000
WARM_UP = 100
APIS = 20


def revision(number: int) -> bytes:
    """Return a document with twenty APIs and four policies each, of which one is another in every revision."""
    found = document("policies", 8080, 9000)
    api = found.apis[0]
    apis = []
    for n in range(APIS):
        policies = [msgspec.structs.replace(binding, id=f"{n}-{binding.id}") for binding in api.policies]
        if n == number % APIS:
            inbound = [{"key": "x-revision", "value": str(number)}]
            policies[-1] = msgspec.structs.replace(policies[-1], config={"inboundHeaders": inbound})
        apis.append(msgspec.structs.replace(api, id=f"a-{n}", base_path=f"/api-{n}", policies=policies))
    return documents.encode(msgspec.structs.replace(found, apis=apis))


def main() -> None:
    """Reload and print."""
    state = WorkerState(recorder=Recorder())
    compiler = Compiler(state.pools)
    snapshot: Snapshot | None = None
    for number in range(1, RELOADS + 1):
        data = revision(number)
        gc.disable()
        compiled = compiler.compile(number, documents.digest(data), data, snapshot)
        assert not compiled.faults
        state.snapshot = snapshot = compiled.snapshot
        compiler.commit(snapshot)
        gc.enable()
        if number == 1:
            gc.collect()
            gc.freeze()
        if number in (WARM_UP, RELOADS):
            print(resident_kib("self"))


if __name__ == "__main__":
    main()
