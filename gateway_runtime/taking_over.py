"""The new copy's part of a handover: become ready, take what was counted, go on when told to or left alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway_runtime import VERSION
from gateway_runtime.configuration.client import ConfigurationClient
from gateway_runtime.handover import Counted, Predecessor, Ready, State, Taken
from gateway_runtime.log import log
from gateway_runtime.reporting import Reporting
from gateway_runtime.schema.replica import ApplyState
from gateway_runtime.tasks import cancel, spawn
from gateway_runtime.workers import WorkerPool

LOOK_SECONDS = 0.05


class Gateway(Protocol):
    """The parts of the supervisor that matter here."""

    client: ConfigurationClient
    workers: WorkerPool
    reporting: Reporting


class TakingOver:
    """One handover, from the first word of the predecessor to the last."""

    def __init__(
        self, gateway: Gateway, predecessor: Predecessor, serve: Callable[[Predecessor], Awaitable[None]]
    ) -> None:
        self._gateway = gateway
        self._predecessor = predecessor
        self._serve = serve
        self._served = False

    async def run(self) -> None:
        """Follow the predecessor to its end. Returns early when this copy cannot take over."""
        hearing = spawn("predecessor-control", self._hear())
        try:
            # A predecessor that dies leaves nobody to wait for: whatever this copy can serve is better than nothing.
            while not hearing.done() and not self._ready():
                if self._refused():
                    return
                await asyncio.sleep(LOOK_SECONDS)
            self._predecessor.send(Ready(workers=len(self._gateway.workers.alive), version=VERSION))
            await hearing
            if not self._served:
                log.warning("predecessor_gone")
                await self._serve(self._predecessor)
            # Its sockets are closed, so new connections can be spread over all that are left.
            self._gateway.workers.steer(0, 0)
        finally:
            await cancel(hearing)

    async def _hear(self) -> None:
        async for message in self._predecessor.messages():
            if isinstance(message, State):
                self._gateway.reporting.carry_on(message)
                self._predecessor.send(Taken())
            elif isinstance(message, Counted):
                self._gateway.reporting.count(message.telemetry, message.dropped)
            elif not self._served:
                self._served = True
                await self._serve(self._predecessor)

    def _ready(self) -> bool:
        workers, running = self._gateway.workers, self._gateway.client.running
        return (
            len(workers.alive) == workers.size
            and all(worker.revision == running.revision for worker in workers.alive)
            and (running.revision > 0 or not self._predecessor.serving)
        )

    def _refused(self) -> bool:
        running = self._gateway.client.running
        if running.revision or running.state is not ApplyState.REJECTED or not self._predecessor.serving:
            return False
        log.error("handover_refused", code=running.error_code, path=running.error_path, message=running.message)
        return True


async def first_of(task: asyncio.Task[None], *events: asyncio.Event) -> None:
    """Wait until the task has ended or one of the events is set."""
    waiting = [spawn("waiting", event.wait()) for event in events]
    try:
        await asyncio.wait([task, *waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel(*waiting)
