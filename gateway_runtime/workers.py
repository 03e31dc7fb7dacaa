"""The worker processes: started, fed with configuration, restarted when they die, drained at the end."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import gateway_runtime
from gateway_runtime.configuration.ports import probe_listeners
from gateway_runtime.configuration.rereading import DocumentReader
from gateway_runtime.configuration.source import Offer
from gateway_runtime.control import (
    ApiFault,
    Applied,
    Apply,
    Channel,
    Drain,
    FromWorker,
    Hello,
    Load,
    Rejected,
    Steer,
    StorageUse,
    TargetState,
    Telemetry,
)
from gateway_runtime.handover import Begin
from gateway_runtime.log import log
from gateway_runtime.schema.document import ApiInstance, Listener
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.replica import Notice
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.tasks import cancel, spawn

# A worker that takes longer than this over a document hangs: it is killed and replaced.
APPLY_SECONDS = 30.0
FIRST_BACK_OFF_SECONDS = 0.1
BACK_OFF_SECONDS = 10.0
# A worker that lived this long did not die of its configuration, so its successor starts at once.
STEADY_SECONDS = 30.0
# How long a revision waits for a worker in the place of those that have ended.
REPLACED_SECONDS = 15.0
DRAIN_GRACE_SECONDS = 3.0
# How long leaving takes until the listeners close: longer than a handshake, and then than all workers need to hear it.
STEERING_SECONDS = 1.0
STEERED_SECONDS = 0.2

Answer = Applied | Rejected | None


class WorkerHandle:
    """One running worker process as the supervisor sees it. `revision` is what it serves, 0 for nothing."""

    def __init__(self, number: int, process: asyncio.subprocess.Process, channel: Channel) -> None:
        self.number = number
        self.process = process
        self.channel = channel
        self.revision = 0
        self.load: Load | None = None
        self.storage: StorageUse | None = None
        self.access = (0, 0)
        self.log_dropped = 0
        self.targets: list[TargetState] = []
        self.notices: list[Notice] = []
        self._dropped = 0
        # Whether it was given a candidate, and whether it cannot be spoken to any more.
        self.trying = self.gone = False
        self.hello = asyncio.Event()
        self._answer: asyncio.Future[Answer] | None = None

    async def apply(self, message: Apply) -> Answer:
        """Send a document and wait for the answer; None when the worker died or hung over it."""
        self.trying = message.tries
        if self.gone:
            return None
        self._answer = asyncio.get_running_loop().create_future()
        self.channel.send(message)
        try:
            async with asyncio.timeout(APPLY_SECONDS):
                answer = await self._answer
        except TimeoutError:
            log.error("worker_hangs", worker=self.number, revision=message.revision)
            self.kill()
            return None
        finally:
            self._answer = None
        if isinstance(answer, Applied):
            self.revision = answer.revision
        return answer

    async def listen(self, on_telemetry: Callable[[Telemetry, int], None]) -> None:
        """Take what the worker says until its channel closes."""
        try:
            async for message in self.channel.messages():
                if isinstance(message, Telemetry):
                    self.load = message.load or self.load
                    self.storage = message.storage or self.storage
                    self.access = message.access
                    self.log_dropped = message.log_dropped
                    if message.targets is not None:
                        self.targets = message.targets
                    if message.notices is not None:
                        self.notices = message.notices
                    # Workers report totals; what is new since the last message is what counts here.
                    on_telemetry(message, message.dropped - self._dropped)
                    self._dropped = message.dropped
                elif isinstance(message, Hello):
                    self.hello.set()
                else:
                    self._resolve(message)
        finally:
            self.gone = True
            self._resolve(None)
            self.hello.set()

    def _resolve(self, answer: Answer) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def kill(self) -> None:
        """End the process at once."""
        with suppress(ProcessLookupError):
            self.process.kill()


class WorkerPool:
    """Keeps N workers running on the same revision."""

    def __init__(
        self,
        size: int,
        on_telemetry: Callable[[Telemetry, int], None],
        storage: SharedStorage | None = None,
        verify_key: str = "",
        replica: str = "",
        on_end: Callable[[str], None] = lambda how: None,
    ) -> None:
        self.size = size
        self._on_end = on_end
        self._storage = storage
        self._verify_key = verify_key
        self._replica = replica
        # The revision that is tried out here, 0 for none, and the share of the requests that it gets.
        self.candidate = 0
        self.candidate_share = 0.0
        self._on_telemetry = on_telemetry
        self._slots: list[WorkerHandle | None] = [None] * size
        self._keepers: list[asyncio.Task[None]] = []
        self._listeners: list[Listener] = []
        self._reader = DocumentReader()
        # The newest good definition of each API, and of them those that the current document has in a broken form.
        self._definitions: dict[str, ApiInstance] = {}
        self._stand_ins: dict[str, ApiInstance] = {}
        # The newest good definition of each listener with TLS.
        self._tls: dict[str, Listener] = {}
        # One document at a time, and no worker starts in the middle of one.
        self._turn = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._ready = asyncio.Event()
        self.current: Offer | None = None
        self.restarts = 0
        self.leaving = False
        self.api_names: dict[str, str] = {}
        self._route_names: dict[str, str] = {}

    @property
    def alive(self) -> list[WorkerHandle]:
        """Return the workers that run and have been given the current revision."""
        return [worker for worker in self._slots if worker is not None and not worker.gone]

    async def until_alive(self) -> None:
        """Wait for a worker where all have ended: others are on their way."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REPLACED_SECONDS):
                while not self.alive:
                    self._ready.clear()
                    await self._ready.wait()

    def route_name(self, route: str) -> str:
        """Return the name of a route of the current revision, else its id."""
        return self._route_names.get(route, route)

    def begin(self, *, serving: bool) -> Begin:
        """Return what a successor has to know before it starts workers of its own."""
        return Begin(
            workers=self.size,
            serving=serving,
            listeners=self._listeners,
            definitions=list(self._stand_ins.values()),
        )

    def inherit(self, begin: Begin) -> None:
        """Know what another pool serves: its ports are no stranger's, and what stands in for broken APIs goes on."""
        self._listeners = begin.listeners
        self._tls = {each.id: each for each in begin.listeners if each.tls is not None}
        self._stand_ins = {api.id: api for api in begin.definitions}
        self._definitions = dict(self._stand_ins)

    async def start(self) -> None:
        """Start the workers and wait until each has said hello or died."""
        begun = [asyncio.Event() for _ in range(self.size)]
        self._keepers = [spawn(f"worker-{n}", self._keep(n, begun[n])) for n in range(self.size)]
        await asyncio.gather(*(event.wait() for event in begun))

    async def apply(self, offer: Offer) -> list[ApiFault]:
        """Bring a revision to all workers: either all take it, or all stay on what they had.

        Returns the APIs that are fenced off. Raises `ConfigFault` when the revision is refused.
        """
        async with self._turn:
            # A worker that is leaving opens nothing, and its successor holds the ports.
            listeners = self._listeners if self.leaving else probe_listeners(offer.document, self._listeners)
            if offer.accepted and not self._tls:
                self._tls = {each.id: each for each in listeners if each.tls is not None}
            workers = self.alive
            answers = await asyncio.gather(*(worker.apply(self._message(offer)) for worker in workers))
            applied = [a for a in answers if isinstance(a, Applied)]
            rejected = next((a for a in answers if isinstance(a, Rejected)), None)
            if rejected is not None or not applied:
                await self._go_back([w for w, a in zip(workers, answers, strict=True) if isinstance(a, Applied)])
                if rejected is None:
                    raise ConfigFault("", "workers_failed", "No worker could take the revision. Its log says why.")
                raise ConfigFault(rejected.path, rejected.code, rejected.message)
            self.candidate, self.candidate_share = applied[0].candidate, applied[0].candidate_share
            self._settle(offer, listeners, applied[0].faults)
            return applied[0].faults

    def _message(self, offer: Offer) -> Apply:
        return Apply(
            revision=offer.revision,
            digest=offer.digest,
            document=offer.document,
            definitions=list(self._stand_ins.values()),
            listeners=list(self._tls.values()),
            storage=self._storage,
            verify_key=self._verify_key,
            replica=self._replica,
            tries=offer.tries,
        )

    def fall_back(self, offer: Offer) -> None:
        """Let workers that start from now on serve the current revision as it is offered here."""
        if self.current is not None and self.current.revision == offer.revision:
            self.current = offer

    async def _go_back(self, workers: list[WorkerHandle]) -> None:
        """Return workers that took a revision which others refused to what all of them served before."""
        for worker in workers:
            if self.current is None or not isinstance(await worker.apply(self._message(self.current)), Applied):
                worker.kill()

    def _settle(self, offer: Offer, listeners: list[Listener], faults: list[ApiFault]) -> None:
        broken = {fault.api for fault in faults if not fault.candidate}
        document = self._reader.read(offer.document)
        self._stand_ins = {a.id: self._definitions[a.id] for a in document.apis
                           if a.id in broken and a.id in self._definitions}  # fmt: skip
        good = {a.id: a for a in document.apis if a.id not in broken and not a.quarantine}
        self._definitions = good | self._stand_ins
        self._listeners = listeners
        kept = {fault.listener for fault in faults if fault.listener and fault.kept}
        self._tls = {each.id: self._tls.get(each.id, each) if each.id in kept else each
                     for each in document.listeners if each.tls is not None}  # fmt: skip
        self.current = offer
        served = [*(document.candidate.apis if document.candidate else ()), *document.apis]
        self.api_names = {api.id: api.name for api in served}
        self._route_names = {route.id: route.name for api in served for route in api.routes}

    async def _keep(self, number: int, begun: asyncio.Event) -> None:
        """Keep one place filled: start a worker, wait for its end, start the next."""
        delay = FIRST_BACK_OFF_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                worker = await start_worker(number)
            except OSError as error:
                log.error("worker_not_started", worker=number, error=error)
            else:
                await self._live(worker, begun)
                status = worker.process.returncode
                log.warning("worker_ended", worker=number, worker_pid=worker.process.pid, status=status)
                if worker.trying and not self._stopping.is_set():
                    self._on_end(_how(status))
            begun.set()
            if self._stopping.is_set():
                return
            self.restarts += 1
            delay = FIRST_BACK_OFF_SECONDS if time.monotonic() - began > STEADY_SECONDS else delay
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()
            delay = min(delay * 2, BACK_OFF_SECONDS)

    async def _live(self, worker: WorkerHandle, begun: asyncio.Event) -> None:
        """Bring a worker to the current revision and follow it to its end."""
        listening = spawn(f"worker-{worker.number}-control", worker.listen(self._on_telemetry))
        try:
            await worker.hello.wait()
            async with self._turn:
                if self.current is not None and not isinstance(
                    await worker.apply(self._message(self.current)), Applied
                ):
                    worker.kill()
                else:
                    self._slots[worker.number] = worker
                    self._ready.set()
                    log.info("worker_ready", worker=worker.number, worker_pid=worker.process.pid)
            begun.set()
            if self._stopping.is_set():
                worker.channel.send(Drain(seconds=0.0))
            await worker.process.wait()
            # What it sent last is still in the channel.
            await listening
        finally:
            self._slots[worker.number] = None
            if worker.process.returncode is None:
                worker.kill()
            await cancel(listening)
            await worker.channel.close()

    def steer(self, first: int, count: int) -> None:
        """Send new connections to these of all sockets that share the ports; to all of them when `count` is 0."""
        for worker in self.alive:
            worker.channel.send(Steer(first=first, count=count))

    async def leave(self, seconds: float, *, first: int, count: int) -> None:
        """Leave the ports to other sockets, without losing a connection on the way, and stop.

        While ours close, the kernel moves the last socket into the place of each that has gone. Only the first of the
        others stays where it is, so for that moment it gets all new connections.
        """
        self.leaving = True
        self._stopping.set()
        self.steer(first, count)
        # Handshakes that were begun before are finished and accepted here.
        await asyncio.sleep(STEERING_SECONDS)
        self.steer(first, 1)
        await asyncio.sleep(STEERED_SECONDS)
        await self.stop(seconds, gently=True)

    async def stop(self, seconds: float, *, gently: bool = False) -> None:
        """Let every worker finish what it is doing within so many seconds, and end."""
        self._stopping.set()
        for worker in self.alive:
            worker.channel.send(Drain(seconds=seconds, gently=gently))
        if self._keepers:
            await asyncio.wait(self._keepers, timeout=seconds + DRAIN_GRACE_SECONDS)
        await cancel(*self._keepers)

    def kill(self) -> None:
        """End every worker at once."""
        for worker in self.alive:
            worker.kill()


def _how(status: int | None) -> str:
    """Say how a process has ended, in the middle of a sentence."""
    if status is None or status >= 0:
        return f"status {status}"
    with suppress(ValueError):
        return f"signal {-status} ({signal.Signals(-status).name})"
    return f"signal {-status}"


async def start_worker(number: int) -> WorkerHandle:
    """Start a worker process with one end of a socket pair."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway_runtime.worker",
                "--channel", str(theirs.fileno()), "--number", str(number),
                stdin=asyncio.subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=_environment(),
            )  # fmt: skip
        except OSError:
            ours.close()
            raise
    reader, writer = await asyncio.open_connection(sock=ours)
    return WorkerHandle(number, process, Channel(reader, writer, FromWorker))


def _environment() -> dict[str, str]:
    """Return the environment of a worker, in which this very package is found from any folder."""
    root = str(Path(gateway_runtime.__file__).parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
