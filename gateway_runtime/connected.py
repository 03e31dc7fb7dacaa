"""Connected mode: the portal configures this replica and learns of its traffic, both through Redis."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway_runtime.configuration.last_good import LastGood
from gateway_runtime.configuration.registration import gateway_keys
from gateway_runtime.configuration.reporter import Reporter
from gateway_runtime.configuration.source import Offer, OfferRefused, RedisSource, open_envelope
from gateway_runtime.configuration.state_folder import StateFolder
from gateway_runtime.control import Telemetry
from gateway_runtime.link import Task
from gateway_runtime.log import log
from gateway_runtime.schema.replica import Acknowledgement, Registration, ReplicaStatus
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.tasks import spawn
from gateway_runtime.telemetry.exporter import Exporter
from gateway_runtime.telemetry.spool import Spool, SpoolState
from gateway_runtime.telemetry.trace_export import TraceExport

REDIS_TIMEOUT_SECONDS = 2.0
LAST_WORDS_SECONDS = 3.0


def connect(url: str) -> Redis:
    """Return a client that never waits long: every caller here has its own way of trying again."""
    return Redis.from_url(
        url,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


class PortalLink:
    """The link to the portal that a registration names."""

    def __init__(self, registration: Registration, folder: StateFolder) -> None:
        self._gateway = registration.gateway
        self._keys = gateway_keys(registration)
        self._redis = connect(registration.redis_url)
        self._export_redis = connect(registration.redis_url)
        self._reporter: Reporter | None = None
        self.name = registration.name
        self.replica = folder.replica_id()
        self.lock: int | None = folder.lock
        self.storage: SharedStorage | None = SharedStorage(url=registration.redis_url)
        self.verify_key = registration.verify_key
        self.registration = registration.number
        self.source = RedisSource(
            self._redis, gateway=self._gateway, gateway_keys=self._keys, registration=registration.number
        )
        self.last_good = LastGood(folder.path)
        self.spool = Spool(self._gateway, self.replica, time.time)
        self._exporter = Exporter(self._export_redis, self.spool, gateway=self._gateway, replica=self.replica)
        self._traces = TraceExport(self._redis, gateway=self._gateway, replica=self.replica)

    @property
    def traces_dropped(self) -> int:
        """Return how many traces were given up."""
        return self._traces.dropped

    @property
    def redis_up(self) -> bool:
        """Tell whether the last attempt to reach Redis succeeded."""
        return self._reporter is not None and self._reporter.connected

    def open(self, status: Callable[[], ReplicaStatus]) -> Sequence[Task]:
        """Start heartbeat and export."""
        self._reporter = Reporter(self._redis, gateway=self._gateway, status=status)
        return [
            spawn("reporter", self._reporter.run()),
            spawn("exporter", self._exporter.run()),
            spawn("trace-export", self._traces.run()),
        ]

    async def check(self) -> None:
        """Ask whether the registration has ended, as far as Redis is there."""
        await self.source.check()

    def first_offer(self) -> Offer | None:
        """Return the last good revision."""
        envelope = self.last_good.load()
        if envelope is None:
            return None
        try:
            kept = open_envelope(envelope, gateway=self._gateway, gateway_keys=self._keys)
            return kept._replace(accepted=True)
        except OfferRefused as refused:
            log.error("last_good_refused", code=refused.code, message=str(refused))
            return None

    def listen(self) -> Sequence[Task]:
        """Start to hear announcements."""
        return [spawn("announcements", self.source.listen())]

    def acknowledge(self, answer: Acknowledgement) -> None:
        """Send an answer as soon as possible."""
        assert self._reporter is not None
        self._reporter.acknowledge(answer)

    def count(self, telemetry: Telemetry, dropped: int) -> None:
        """Spool what a worker has counted."""
        self.spool.add(telemetry.rows, dropped=dropped)
        self._traces.add(telemetry.traces, dropped=telemetry.traces_dropped)

    def hand_over(self) -> SpoolState:
        """Return what is counted and not yet exported."""
        return self.spool.hand_over(in_doubt=self._exporter.in_doubt)

    def carry_on(self, state: SpoolState) -> None:
        """Export what another process could not."""
        self.spool.carry_on(state)
        self._exporter.in_doubt = state.in_doubt

    async def leave(self) -> None:
        """Send the traces that wait, which are nobody else's, and close the connections to Redis."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._traces.export()
        await self._redis.aclose()
        await self._export_redis.aclose()

    async def close(self) -> None:
        """Send what was counted last and say goodbye, if Redis is there."""
        assert self._reporter is not None
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._exporter.export()
                await self._reporter.report()
        except TimeoutError:
            log.warning("redis_away_at_the_end", waiting=self.spool.waiting)
        await self.leave()
