"""A worker process: compiles what the supervisor sends, listens, serves, and sends back what it counted."""

import argparse
import asyncio
import gc
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress

import msgspec
import uvloop

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.configuration.limits import gateway_limits, pseudonym, trusted_proxies
from gateway_runtime.configuration.ports import port_fault
from gateway_runtime.configuration.snapshot import CandidateSnapshot
from gateway_runtime.control import (
    ApiFault,
    Applied,
    Apply,
    Channel,
    Drain,
    Hello,
    Load,
    Rejected,
    Steer,
    StorageUse,
    TargetState,
    Telemetry,
    ToWorker,
)
from gateway_runtime.http.state import WorkerState
from gateway_runtime.http.tunnel import end_disallowed
from gateway_runtime.listener import Listener, bind_listener
from gateway_runtime.log import capture_library_logs, log
from gateway_runtime.notices import NoticeBook
from gateway_runtime.routing.compiled import CompiledApi
from gateway_runtime.schema import document as documents
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.trace_token import TraceTokens
from gateway_runtime.state.shared import SharedState
from gateway_runtime.tasks import cancel, spawn
from gateway_runtime.telemetry.outputs import AccessOutputs, runtime_log
from gateway_runtime.telemetry.recorder import Recorder
from gateway_runtime.tls.compiled import ListenerTls
from gateway_runtime.tls.handshake import ignore_unreadable_names

FLUSH_SECONDS = 0.5
# Compiling gives way to requests this often.
SLICE_SECONDS = 0.0005
# So many APIs are freed at a time.
LET_GO = 100
# More new objects than this are not worth walking again and again: a full collection would take a tenth of a second.
MANY_OBJECTS = 100_000
ORPHAN_DRAIN_SECONDS = 25.0
# Half a minute of them, so that a scrape every so often misses no late moment.
LAGS_KEPT = 60

_encode = msgspec.msgpack.Encoder().encode

# Host, port, and whether it speaks TLS and PROXY: for another one of these a socket has to be opened anew.
Address = tuple[str, int, bool, bool]


class Worker:
    """One worker: its state, its listeners by address, and the channel to its supervisor."""

    def __init__(
        self,
        channel: Channel,
        state: WorkerState,
        recorder: Recorder,
        compiler: Compiler,
        shared: SharedState | None = None,
        access: AccessOutputs | None = None,
    ) -> None:
        self._channel = channel
        self._state = state
        self._recorder = recorder
        self._compiler = compiler
        self._shared = shared or SharedState()
        self._access = access or AccessOutputs()
        self._listeners: dict[Address, Listener] = {}
        self._frozen = False
        self._verify_key = ""
        self._drain_seconds = ORPHAN_DRAIN_SECONDS
        self._gently = False
        # How late the loop was in each of the last flushes.
        self._lags: deque[float] = deque([0.0], maxlen=LAGS_KEPT)
        self._stop = asyncio.Event()
        self._notices = NoticeBook()

    async def run(self) -> None:
        """Serve until told to drain, signalled, or left alone by the supervisor."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop.set)
        self._channel.send(Hello(worker_pid=os.getpid()))
        flushing = spawn("flush", self._flush_forever())
        listening = spawn("control", self._listen())
        await self._stop.wait()
        await self._drain(self._drain_seconds)
        await cancel(flushing, listening)
        await self._shared.close()
        await self._access.close()
        self._flush()
        await self._channel.close()

    async def _listen(self) -> None:
        try:
            async for message in self._channel.messages():
                if isinstance(message, Steer):
                    for listener in self._listeners.values():
                        listener.steer(message.first, message.count)
                elif isinstance(message, Drain):
                    self._drain_seconds, self._gently = message.seconds, message.gently
                    if not message.gently:
                        return
                    # Requests are still taken, so revisions are too; only what they open is for the successor.
                    self._state.draining = True
                    self._stop.set()
                else:
                    await self._apply(message)
        finally:
            # A closed channel means that nobody can send configuration any more: better a fresh worker.
            self._stop.set()

    async def _apply(self, message: Apply) -> None:
        began = time.monotonic()
        # A large document is many new objects and no garbage: collecting meanwhile would walk them again and again.
        gc.disable()
        try:
            faults = await self._take(message)
        except ConfigFault as fault:
            answer: Applied | Rejected = Rejected(
                revision=message.revision, code=fault.code, path=fault.path, message=fault.message
            )
        except Exception as error:
            log.error("apply_failed", revision=message.revision, error=error)
            text = f"The gateway could not compile the revision ({type(error).__name__}). Its log says more."
            answer = Rejected(revision=message.revision, code="not_compiled", path="", message=text)
        else:
            took = (time.monotonic() - began) * 1000
            answer = self._applied(message.revision, took, faults)
        finally:
            gc.enable()
        self._channel.send(answer)

    def _applied(self, revision: int, took_ms: float, faults: list[ApiFault]) -> Applied:
        number, share = 0, 0.0
        if isinstance(self._state.snapshot, CandidateSnapshot):
            number, share = self._state.snapshot.trial.revision, self._state.snapshot.share
        return Applied(revision=revision, took_ms=took_ms, faults=faults, candidate=number, candidate_share=share)

    async def _take(self, message: Apply) -> list[ApiFault]:
        """Compile, open what is new, swap, close what is gone. Raises before anything has changed."""
        self._compiler.registered = message.storage
        self._verify_key = message.verify_key
        steps = self._compiler.steps(
            message.revision,
            message.digest,
            message.document,
            self._state.snapshot,
            {api.id: api for api in message.definitions},
            message.listeners,
            message.replica if message.tries else None,
        )
        pause_at = time.monotonic() + SLICE_SECONDS
        while True:
            try:
                next(steps)
            except StopIteration as end:
                compiled = end.value
                break
            if time.monotonic() > pause_at:
                await asyncio.sleep(0)
                pause_at = time.monotonic() + SLICE_SECONDS
        snapshot = compiled.snapshot
        previous = self._state.snapshot
        before = list(previous.apis.values()) if previous else []
        if previous is None:
            # The first connections are already counted, and trusted, as the document says.
            self._take_settings(snapshot.document)
        opened = await self._bind_new(snapshot.document.listeners, snapshot.tls)
        # Here already, so that the first request finds what was counted before.
        await self._shared.use(self._compiler.storage(snapshot.document), snapshot.document.gateway)
        self._state.snapshot = snapshot
        try:
            # Nobody is let in before there is an answer for them.
            await _begin(opened, snapshot.document.listeners)
        except ConfigFault:
            self._state.snapshot = previous
            raise
        self._listeners.update(opened)
        self._close_gone({_address(listener) for listener in snapshot.document.listeners})
        for listener in self._listeners.values():
            if (tls := snapshot.tls.get(listener.port)) is not None:
                listener.use(tls)
        self._compiler.commit(snapshot)
        self._notices.use(report for api in snapshot.all_apis() for report in api.reports)
        self._take_settings(snapshot.document)
        end_disallowed(self._state.tunnels, snapshot)
        if not self._frozen:
            # The first snapshot and the code live for long; later collections need not walk them.
            gc.collect()
            gc.freeze()
            self._frozen = True
        elif gc.get_count()[0] > MANY_OBJECTS:
            # Neither of a revision in which most is new. A small one is left to the collector: what is frozen in a
            # circle stays for ever, and there are many small ones.
            gc.freeze()
        await _let_go(before)
        return compiled.faults

    def _take_settings(self, document: documents.Document) -> None:
        log.level = document.log_level
        runtime_log.use(document.runtime_log_outputs)
        self._access.use(document.access_log_outputs)
        state = self._state
        if self._verify_key and state.tracer.tokens is None:
            # Neither key nor gateway changes while a worker lives.
            state.tracer.tokens = TraceTokens(document.gateway, self._verify_key)
        # Without a portal there is nobody to read them.
        state.refusals.wanted = bool(self._verify_key)
        state.access_log = self._compiler.access_logger(document.access_log)
        state.pseudonym = pseudonym(document)
        state.proxies = trusted_proxies(document)
        limits = gateway_limits(document)
        if limits != state.limits:
            state.limits = state.pools.limits = limits
            # Deadlines are made of the limits when the clock is turned.
            state.turn()

    async def _bind_new(
        self, listeners: list[documents.Listener], tls: Mapping[int, ListenerTls]
    ) -> dict[Address, Listener]:
        opened: dict[Address, Listener] = {}
        for index, listener in enumerate(listeners):
            address = _address(listener)
            if address in self._listeners or self._state.draining:
                continue
            try:
                opened[address] = await bind_listener(
                    listener.host,
                    listener.port,
                    self._state,
                    tls.get(listener.port),
                    proxied=listener.proxy_protocol,
                )
            except OSError as error:
                for other in opened.values():
                    other.close()
                raise port_fault(listener, index, error) from error
        return opened

    def _close_gone(self, wanted: set[Address]) -> None:
        for address in [a for a in self._listeners if a not in wanted]:
            self._listeners.pop(address).close()

    async def _drain(self, seconds: float) -> None:
        self._state.draining = True
        listeners = list(self._listeners.values())
        self._listeners.clear()
        await asyncio.gather(*(listener.drain(seconds, gently=self._gently) for listener in listeners))

    async def _flush_forever(self) -> None:
        while True:
            due = time.monotonic() + FLUSH_SECONDS
            await asyncio.sleep(FLUSH_SECONDS)
            self._lags.append(time.monotonic() - due)
            if not self._channel.crowded:
                self._flush(self._load())

    def _flush(self, load: Load | None = None) -> None:
        recorder = self._recorder
        rows = recorder.take()
        handshakes, turned_away = dict(self._state.handshakes), dict(self._state.turned_away)
        health, notices = self._state.pools.take_health(), self._notices.take()
        snapshot = self._state.snapshot
        refusals = self._state.refusals.take(snapshot.revision if snapshot is not None else 0)
        tracer = self._state.tracer
        traces, spans = [*map(_encode, refusals), *tracer.take()], tracer.take_spans()
        changed = load is not None or health is not None or notices is not None
        if rows or handshakes or turned_away or changed or traces or spans:
            self._state.handshakes.clear()
            self._state.turned_away.clear()
            self._channel.send(
                Telemetry(
                    rows=rows,
                    served=recorder.served,
                    dropped=recorder.dropped,
                    handshakes=handshakes,
                    load=load,
                    storage=self._storage_use() if load is not None else None,
                    access=(self._access.written, self._access.dropped),
                    log_dropped=runtime_log.dropped,
                    targets=None if health is None else [TargetState(*row) for row in health],
                    turned_away=turned_away,
                    notices=notices,
                    traces=traces,
                    traces_dropped=self._state.refusals.dropped + tracer.dropped,
                    spans=spans,
                    spans_dropped=tracer.spans_dropped,
                )
            )
            self._state.refusals.dropped = tracer.dropped = tracer.spans_dropped = 0

    def _load(self) -> Load:
        """Look at the connections now, which costs requests nothing."""
        connections = self._state.connections
        active = sum(connection.exchange is not None for connection in connections)
        return Load(len(connections) - active, active, max(self._lags))

    def _storage_use(self) -> StorageUse | None:
        shared = self._shared
        state = shared.state
        return None if state is None else StorageUse(state, shared.limiters, shared.answered, shared.unknown)


async def _begin(opened: dict[Address, Listener], listeners: list[documents.Listener]) -> None:
    """Let callers in on new ports. Raises `ConfigFault`, with all of them closed again."""
    for index, listener in enumerate(listeners):
        if (new := opened.get(_address(listener))) is None:
            continue
        try:
            await new.begin()
        except OSError as error:
            for other in opened.values():
                other.close()
            raise port_fault(listener, index, error) from error


async def _let_go(apis: list[CompiledApi]) -> None:
    """Let go of APIs that are served no more, a few at a time: to free ten thousand takes a tenth of a second."""
    while apis:
        del apis[-LET_GO:]
        await asyncio.sleep(0)


def _address(listener: documents.Listener) -> Address:
    return listener.host, listener.port, listener.tls is not None, listener.proxy_protocol


async def serve(channel_fd: int, number: int = 0) -> None:
    """Run a worker over the socket that the supervisor left open for it."""
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=channel_fd))
    recorder = Recorder()
    state = WorkerState(recorder=recorder)
    shared = SharedState()
    access = AccessOutputs()
    compiler = Compiler(
        state.pools, shared=shared, add_access_line=access.add, count_shadow=recorder.shadow, is_first=number == 0
    )
    await Worker(Channel(reader, writer, ToWorker), state, recorder, compiler, shared, access).run()


def main() -> None:
    """Entry of `python -m gateway_runtime.worker --channel FD`, which only the supervisor calls."""
    parser = argparse.ArgumentParser(prog="portico-gateway-worker")
    parser.add_argument("--channel", type=int, required=True)
    parser.add_argument("--number", type=int, default=0)
    arguments = parser.parse_args()
    log.bind(process="worker", worker=arguments.number)
    capture_library_logs()
    ignore_unreadable_names()
    # A terminal sends Ctrl-C to every process of the group; the supervisor decides when workers drain.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # And an upgrade asked of the whole group is asked of the supervisor.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with suppress(KeyboardInterrupt):
        uvloop.run(serve(arguments.channel, arguments.number))


if __name__ == "__main__":
    main()
