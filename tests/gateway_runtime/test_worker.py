import asyncio
import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway_runtime import worker as module
from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.control import Applied, Apply, Drain, Hello, Rejected, Steer, Telemetry
from gateway_runtime.http.refusals import NO_ROUTE
from gateway_runtime.http.state import WorkerState
from gateway_runtime.log import log
from gateway_runtime.routing.compiled import CompiledApi
from gateway_runtime.schema import document as documents
from gateway_runtime.schema.document import Document, Listener
from gateway_runtime.schema.envelope import new_keys
from gateway_runtime.telemetry.recorder import Recorder
from gateway_runtime.worker import Worker
from tests.gateway_runtime.fakes import FakeGateway

ROOT = Path(__file__).parents[2]


class FakeChannel:
    """Yields the messages of a test, and remembers what the worker says."""

    def __init__(self, *messages: Any) -> None:
        self._messages = messages
        self.said: list[Any] = []
        self.closed = False
        self.crowded = False

    def send(self, message: Any) -> None:
        self.said.append(message)

    async def messages(self) -> Any:
        for message in self._messages:
            yield message

    async def close(self) -> None:
        self.closed = True


class FakeListeners:
    """Opens listeners that only remember what happened to them."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self.history: list[str] = []
        self.taken: set[int] = set()
        # Which revision answered on a port when the first caller was let in; a port that nobody can listen on.
        self.began: list[tuple[int, int]] = []
        self.deaf = 0

    async def __call__(
        self, host: str, port: int, state: WorkerState, tls: Any = None, *, proxied: bool = False
    ) -> Any:
        if port in self.taken:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        self.open.add(port)
        self.history.append(f"open {port}")
        return FakeListener(self, port, tls, state)


class FakeListener:
    def __init__(self, listeners: FakeListeners, port: int, tls: Any, state: WorkerState) -> None:
        self._listeners, self.port, self.tls, self._state = listeners, port, tls, state

    async def begin(self) -> None:
        if self.port == self._listeners.deaf:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        snapshot = self._state.snapshot
        self._listeners.began.append((self.port, 0 if snapshot is None else snapshot.revision))

    def use(self, tls: Any) -> None:
        if tls is not self.tls:
            self.tls = tls
            self._listeners.history.append(f"use {len(tls.definition.certificates)} on {self.port}")

    def close(self) -> None:
        self._listeners.open.discard(self.port)
        self._listeners.history.append(f"close {self.port}")

    def steer(self, first: int, count: int) -> None:
        self._listeners.history.append(f"steer {self.port} to {count} from {first}")

    async def drain(self, seconds: float, *, gently: bool = False) -> None:
        self.close()
        self._listeners.history.append(f"drained in {seconds}{' gently' if gently else ''}")


@pytest.fixture
def listeners(monkeypatch: pytest.MonkeyPatch) -> FakeListeners:
    fake = FakeListeners()
    monkeypatch.setattr(module, "bind_listener", fake)
    # What is counted is sent at the end alone, however long a test takes.
    monkeypatch.setattr(module, "FLUSH_SECONDS", 3600.0)
    return fake


def revision(number: int, *ports: int, **more: Any) -> Apply:
    new = Document(
        gateway="g",
        name="edge",
        listeners=[Listener(id=str(port), name=str(port), port=port) for port in ports],
        **more,
    )
    return Apply(revision=number, digest="d", document=documents.encode(new))


def run(*messages: Any, recorder: Recorder | None = None) -> tuple[FakeChannel, WorkerState]:
    """Run a worker whose supervisor sends these messages and goes."""

    async def serve() -> tuple[FakeChannel, WorkerState]:
        channel = FakeChannel(*messages)
        counted = recorder or Recorder()
        state = WorkerState(recorder=counted)
        await Worker(channel, state, counted, Compiler(state.pools)).run()  # type: ignore[arg-type]
        return channel, state

    return asyncio.run(serve())


def test_a_worker_says_hello_applies_and_drains_when_the_supervisor_goes(listeners: FakeListeners) -> None:
    channel, state = run(revision(1, 81))
    hello, applied = channel.said
    assert isinstance(hello, Hello)
    assert isinstance(applied, Applied)
    assert applied.revision == 1
    assert state.snapshot is not None
    assert state.snapshot.revision == 1
    assert state.draining
    assert channel.closed
    assert listeners.history == ["open 81", "close 81", "drained in 25.0"]


def test_refusals_are_kept_only_where_a_portal_takes_them(listeners: FakeListeners) -> None:
    _, of_files = run(revision(1, 81))
    _, of_a_portal = run(msgspec.structs.replace(revision(1, 81), verify_key=new_keys()[1].verify))
    for state, kept in ((of_files, 0), (of_a_portal, 1)):
        state.refusals.keep_unread(FakeGateway().client().connection, b"r", NO_ROUTE)
        assert len(state.refusals.take(1)) == kept
        assert state.refusals.dropped == 0


def test_the_time_to_drain_is_the_supervisor_s(listeners: FakeListeners) -> None:
    run(revision(1, 81), Drain(seconds=3.0))
    assert listeners.history[-1] == "drained in 3.0"


def test_listeners_that_stay_are_not_touched(listeners: FakeListeners) -> None:
    run(revision(1, 81, 82), revision(2, 82, 83), Drain(seconds=0))
    assert listeners.history[:4] == ["open 81", "open 82", "open 83", "close 81"]


def test_nobody_is_let_in_before_there_is_an_answer(listeners: FakeListeners) -> None:
    run(revision(1, 81), revision(2, 81, 82), Drain(seconds=0))
    assert listeners.began == [(81, 1), (82, 2)]


def test_a_port_that_nobody_can_listen_on_leaves_the_revision_before(listeners: FakeListeners) -> None:
    listeners.deaf = 83
    channel, state = run(revision(1, 81), revision(2, 81, 82, 83), Drain(seconds=0))
    assert isinstance(channel.said[2], Rejected)
    assert state.snapshot is not None
    assert state.snapshot.revision == 1
    assert listeners.history[-4:-2] == ["close 82", "close 83"]


def test_a_port_in_use_rejects_the_revision_and_opens_nothing(listeners: FakeListeners) -> None:
    listeners.taken = {83}
    channel, state = run(revision(1, 81), revision(2, 82, 83), Drain(seconds=0))
    rejected = channel.said[-1]
    assert isinstance(rejected, Rejected)
    assert (rejected.revision, rejected.code, rejected.path) == (2, "listener_port_in_use", "listeners[1].port")
    assert state.snapshot is not None
    assert state.snapshot.revision == 1
    assert listeners.history[:3] == ["open 81", "open 82", "close 82"]


def test_a_document_that_cannot_be_used_is_rejected_with_its_code(listeners: FakeListeners) -> None:
    channel, state = run(revision(1, 81, format=9))
    assert [message.code for message in channel.said if isinstance(message, Rejected)] == ["unsupported_format"]
    assert state.snapshot is None
    assert listeners.history == []


def test_an_unforeseen_failure_is_a_rejection_and_not_the_end(
    listeners: FakeListeners, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Compiler.steps

    def fail_once(*arguments: Any) -> Any:
        monkeypatch.setattr(Compiler, "steps", original)
        raise RuntimeError("secret")

    monkeypatch.setattr(Compiler, "steps", fail_once)
    channel, _ = run(revision(1, 81), revision(2, 81))
    _, rejected, applied = channel.said
    assert (rejected.code, "secret" in rejected.message) == ("not_compiled", False)
    assert applied.revision == 2


def test_what_was_counted_last_is_sent_before_the_end(listeners: FakeListeners) -> None:
    recorder = Recorder()
    recorder.record("a", "r", "", 200, "", "", 1, 1, 1, 1)
    channel, _ = run(Drain(seconds=0), recorder=recorder)
    (telemetry,) = [message for message in channel.said if isinstance(message, Telemetry)]
    assert (telemetry.served, telemetry.dropped, telemetry.rows[0].requests) == (1, 0, 1)


def test_timeouts_of_a_document_are_taken_and_given_back(listeners: FakeListeners) -> None:
    timeouts = documents.Timeouts(
        stream_idle_seconds=1, upstream_connection_idle_seconds=2, upstream_response_seconds=3
    )
    _, state = run(revision(1, 81, timeouts=timeouts))
    limits = state.limits
    assert (limits.stream_seconds, limits.upstream_idle_seconds, limits.response_seconds) == (1, 2, 3)
    assert state.pools.limits is limits
    _, state = run(revision(1, 81, timeouts=timeouts), revision(2, 81))
    assert (state.limits.stream_seconds, state.limits.response_seconds) == (300, 15)


def test_the_log_level_of_a_document_is_taken(listeners: FakeListeners, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "level", "info")
    run(revision(1, 81, log_level="error"))
    assert log.level == "error"


def test_a_worker_that_leaves_gently_steers_drains_and_still_takes_revisions(listeners: FakeListeners) -> None:
    channel, state = run(revision(1, 81), Steer(first=2, count=1), Drain(seconds=3.0, gently=True), revision(2, 81, 82))
    assert state.snapshot is not None
    assert state.snapshot.revision == 2
    assert [message.revision for message in channel.said if isinstance(message, Applied)] == [1, 2]
    # The listener that is new is its successor's to open.
    assert listeners.history == ["open 81", "steer 81 to 1 from 2", "close 81", "drained in 3.0 gently"]


def test_apis_that_are_served_no_more_are_freed_a_few_at_a_time() -> None:
    apis = [CompiledApi(id=str(n), name="a", base_path=b"") for n in range(2 * module.LET_GO + 50)]
    left: list[int] = []

    async def watch() -> None:
        await asyncio.gather(module._let_go(apis), look())

    async def look() -> None:
        while apis:
            left.append(len(apis))
            await asyncio.sleep(0)

    asyncio.run(watch())
    assert left == [module.LET_GO + 50, 50]


def test_libraries_of_single_policies_are_not_loaded_before_one_needs_them() -> None:
    """Each takes memory in every worker of every gateway, whatever its policies are."""
    only_some_need = ("cryptography.hazmat", "joserfc", "jsonschema_rs", "ldap3", "yaml")
    program = f"import sys, gateway_runtime.worker; print([name for name in {only_some_need} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
