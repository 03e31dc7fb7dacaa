"""The parent process: configuration in, telemetry out, workers kept alive. It carries no traffic itself."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Sequence

from gateway_runtime import VERSION
from gateway_runtime.admin.pages import AdminPages
from gateway_runtime.admin.probe import ProbePort
from gateway_runtime.admin.server import AdminServer
from gateway_runtime.configuration.client import ConfigurationClient
from gateway_runtime.configuration.expiry import soonest_expiry
from gateway_runtime.configuration.ports import shifted
from gateway_runtime.configuration.source import Offer, Revoked
from gateway_runtime.control import ApiFault, Telemetry
from gateway_runtime.handover import HandoverError, Predecessor, Successor
from gateway_runtime.link import Link, Task
from gateway_runtime.log import log
from gateway_runtime.notices import merged
from gateway_runtime.notify import keep_notified, notify, notify_reloading
from gateway_runtime.options import Options
from gateway_runtime.reporting import Reporting
from gateway_runtime.schema.replica import ReplicaStatus
from gateway_runtime.taking_over import TakingOver, first_of
from gateway_runtime.target_report import TargetReport
from gateway_runtime.tasks import cancel, spawn
from gateway_runtime.telemetry.span_export import SpanExport
from gateway_runtime.telemetry.totals import Totals
from gateway_runtime.tryout import Tryout
from gateway_runtime.workers import WorkerPool

# What a successor that failed may take to finish the requests it was given.
GIVE_UP_SECONDS = 5.0
# What a replica that was revoked may take to finish running requests.
REVOKED_DRAIN_SECONDS = 3.0


class AdminAddressError(Exception):
    """The admin address cannot be opened. The message is one sentence for the operator."""


class Supervisor:
    """One gateway replica."""

    def __init__(self, options: Options, link: Link, predecessor: Predecessor | None = None) -> None:
        self._options = options
        self._link = link
        self._started_at = time.time()
        self._signals = 0
        self._stop = asyncio.Event()
        self._serving = asyncio.Event()
        self._predecessor = predecessor
        self._successor: Successor | None = None
        self._upgrading: Task | None = None
        self._telling: Task | None = None
        self._applying: Task | None = None
        self.replica = link.replica
        self.name = link.name
        self.stopping = self.revoked = False
        self._certificate_expires_at = 0.0
        self.reporting = Reporting(link, self.status)
        self.spool = link.spool
        self.spans = SpanExport(gateway=self.name, replica=self.replica)
        self.workers = WorkerPool(
            options.workers, self._count, link.storage, link.verify_key, link.replica, on_end=self._worker_ended
        )
        self._tryout = Tryout(self.replica, self.workers, self._apply, self._apply_again)
        self.client = ConfigurationClient(
            link.source,
            replica=self.replica,
            apply=self._apply_here,
            acknowledge=self.reporting.acknowledge,
            last_good=link.last_good,
            revoked=self._be_revoked,
        )
        self._targets = TargetReport()
        pages = AdminPages(self)
        self._admin = AdminServer(pages)
        self._probe = ProbePort(pages, self._admin)

    @property
    def redis_up(self) -> bool | None:
        """Tell whether the last attempt to reach Redis succeeded; None where there is none."""
        return self._link.redis_up

    @property
    def traces_dropped(self) -> int | None:
        """Return how many traces were given up; None where nobody takes any."""
        return self._link.traces_dropped

    @property
    def totals(self) -> Totals:
        """Return everything counted so far."""
        return self.reporting.totals

    async def run(self) -> None:
        """Serve until a signal says stop, or a successor serves. Raises `AdminAddressError` and `HandoverError`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        loop.add_signal_handler(signal.SIGHUP, self._upgrade_asked)
        predecessor = self._predecessor
        if predecessor is None:
            await self._open_admin()
            # The heartbeat comes first: a gateway that cannot take its configuration should still be seen.
            self.reporting.open()
        else:
            # It answers probes as long as it serves.
            self._probe.held = True
            self.workers.inherit(await predecessor.begin())
        log.info("gateway_starting", gateway=self.name, replica=self.replica, workers=self._options.workers)
        await self.workers.start()
        await self._begin()
        following = [
            *self._link.listen(),
            spawn("configuration", self.client.run()),
            spawn("span-export", self.spans.run()),
        ]
        hearing = None
        if predecessor is None:
            self._serve()
        else:
            hearing = spawn("predecessor", TakingOver(self, predecessor, self._serve_instead).run())
            await first_of(hearing, self._stop, self._serving)
        if self._serving.is_set():
            await self._stop.wait()
        await cancel(self._upgrading, hearing, self._telling, self._applying)
        if predecessor is not None and not self._serving.is_set():
            await self._give_up(predecessor, following)
        elif self._successor is not None:
            await self._leave(self._successor, following)
        else:
            await self._end(following)

    async def _begin(self) -> None:
        """Serve the last good revision, unless the portal says that this is over."""
        try:
            await self._link.check()
        except Revoked:
            self._be_revoked()
        if not self.revoked and (offer := self._link.first_offer()) is not None:
            await self.client.take(offer)

    def _be_revoked(self) -> None:
        """Stop serving, and keep nothing to serve after a restart."""
        if self.revoked:
            return
        self.revoked = True
        text = "The registration of this gateway was revoked. It stops serving and forgets its configuration."
        log.error("gateway_revoked", message=text)
        if self._link.last_good is not None:
            self._link.last_good.forget()
        self._stop.set()

    async def _apply_here(self, offer: Offer) -> list[ApiFault]:
        """Apply what this replica serves of a revision."""
        here = shifted(offer.document, self._options.port_offset)
        return await self._tryout.apply(offer._replace(document=here))

    async def _apply(self, offer: Offer) -> list[ApiFault]:
        faults = await self._probe.around(offer, self.workers.apply)
        self.spans.configure(offer.document)
        self._certificate_expires_at = soonest_expiry(offer.document)
        return faults

    def _apply_again(self) -> None:
        self._applying = spawn("apply-again", self.client.again())

    def _worker_ended(self, how: str) -> None:
        self._tryout.worker_ended(how)

    def _count(self, telemetry: Telemetry, dropped: int) -> None:
        self.spans.add(telemetry.spans, dropped=telemetry.spans_dropped)
        self.reporting.count(telemetry, dropped)

    def _serve(self) -> None:
        self._serving.set()
        notify("READY=1")
        self._telling = spawn("systemd", keep_notified(self._summary))

    async def _serve_instead(self, predecessor: Predecessor) -> None:
        """Be the replica from now on."""
        await self._open_admin(predecessor.admin)
        await self._probe.open()
        self.reporting.open()
        self._serve()
        log.info("gateway_taken_over", revision=self.client.running.revision)

    async def _end(self, following: list[Task]) -> None:
        self.stopping = True
        notify("STOPPING=1")
        log.info("gateway_stopping", gateway=self.name)
        await cancel(*following)
        drain = self._options.drain_seconds
        await self.workers.stop(min(drain, REVOKED_DRAIN_SECONDS) if self.revoked else drain)
        await self.spans.close()
        await self.reporting.close()
        await self._admin.close()
        await self._probe.close()
        spool = self.spool
        counted = {"served": spool.served, "waiting": spool.waiting, "dropped": spool.dropped} if spool else {}
        log.info("gateway_stopped", **counted)

    async def _leave(self, successor: Successor, following: list[Task]) -> None:
        """Let the successor have the traffic, and finish what runs here."""
        log.info("gateway_leaving", successor=successor.pid)
        # Callers may still ask on connections they have, so revisions are still taken.
        await self.workers.leave(self._options.drain_seconds, first=len(self.workers.alive), count=successor.workers)
        await cancel(*following)
        await self.spans.close()
        await self.reporting.close()
        await self._probe.close()
        await successor.leave()
        log.info("gateway_left")

    async def _give_up(self, predecessor: Predecessor, following: list[Task]) -> None:
        """Leave the traffic to who has it."""
        await cancel(*following)
        await self.workers.leave(GIVE_UP_SECONDS, first=0, count=predecessor.workers)
        await self._link.leave()
        why = self.client.running.message or "It was not ready in time."
        raise HandoverError(f"The running gateway goes on without this process. {why}")

    def _upgrade_asked(self) -> None:
        if not self._options.upgrade_seconds:
            log.warning("upgrade_not_here", message="Upgrades are turned off. Restart it where it was started.")
            return
        if not self._serving.is_set() or self._stop.is_set() or (self._upgrading and not self._upgrading.done()):
            log.warning("upgrade_not_now")
            return
        self._upgrading = spawn("upgrade", self._upgrade())

    async def _upgrade(self) -> None:
        """Start a copy of this gateway, and stop here once it serves. When it does not, nothing has happened."""
        log.info("upgrade_starting")
        notify_reloading()
        successor = None
        try:
            successor = await Successor.start(admin=self._admin.descriptors(), lock=self._link.lock)
            successor.send(self.workers.begin(serving=self.client.running.revision > 0))
            async with asyncio.timeout(self._options.upgrade_seconds):
                await successor.ready()
            await self.reporting.hand_over(successor)
        except (HandoverError, OSError) as error:
            if successor is not None:
                await successor.end()
            # It may have left the ports steered to where nobody is now.
            self.workers.steer(0, 0)
            log.error("upgrade_failed", message=_reason(error, self._options.upgrade_seconds))
            notify("READY=1", "STATUS=The upgrade failed, the version before goes on serving. The log says why.")
            return
        except asyncio.CancelledError:
            if successor is not None:
                await successor.end()
            raise
        notify(f"MAINPID={successor.pid}")
        await self._admin.close()
        # It opens the port for probes beside ours, so none of them is refused; what changes is its to do.
        self._probe.held = True
        successor.go()
        self._successor = successor
        self._stop.set()

    def _summary(self) -> str:
        """Return one line for `systemctl status`."""
        running, workers = self.client.running, len(self.workers.alive)
        return f"Revision {running.revision} ({running.state}), workers {workers} of {self._options.workers}"

    async def _open_admin(self, listening: Sequence[socket.socket] = ()) -> None:
        host, port = self._options.admin_host, self._options.admin_port
        try:
            await self._admin.open(host, port, listening)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise AdminAddressError(
                f"The admin address {host}:{port} cannot be opened: {reason}. Choose another one with --admin."
            ) from error

    def _signalled(self) -> None:
        self._signals += 1
        self._stop.set()
        if self._signals > 1:
            self.workers.kill()

    def status(self) -> ReplicaStatus:
        """Return this replica's heartbeat."""
        running, spool = self.client.running, self.spool
        return ReplicaStatus(
            replica=self.replica,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=VERSION,
            workers=self._options.workers,
            # The time of the batches too: it tells the portal which totals belong together.
            started_at=spool.started_at if spool else self._started_at,
            seen_at=time.time(),
            revision=running.revision,
            digest=running.digest,
            applied_at=running.applied_at,
            candidate=self.workers.candidate,
            candidate_share=self.workers.candidate_share,
            state=running.state,
            error_code=running.error_code,
            error_path=running.error_path,
            message=running.message,
            stopping=self.stopping,
            served=spool.served if spool else 0,
            exported=spool.exported if spool else 0,
            waiting=spool.waiting if spool else 0,
            dropped=spool.dropped if spool else 0,
            notices=merged(worker.notices for worker in self.workers.alive),
            targets=self._targets.of(worker.targets for worker in self.workers.alive),
            registration=self._link.registration,
            certificate_expires_at=self._certificate_expires_at,
        )


def _reason(error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"The new process was not ready within {seconds:.0f} s. This one goes on serving."
    return f"{error} This one goes on serving."
