"""Active checks: every target is asked now and then, whether or not there is traffic. Each worker asks for itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from random import random
from typing import TYPE_CHECKING

from gateway_runtime.log import log
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.upstream import HealthCheck
from gateway_runtime.tasks import spawn
from gateway_runtime.upstream.errors import BAD_RESPONSE, UpstreamError
from gateway_runtime.upstream.response import ResponseHead
from gateway_runtime.upstream.target import TargetConnections

if TYPE_CHECKING:
    from gateway_runtime.upstream.connection import UpstreamConnection
    from gateway_runtime.upstream.pool import Pool

# Of its interval a check may come so much early or late: workers and replicas do not ask in step.
JITTER = 0.1
# After so long it is the turn of others, answer or not: thousands of dead targets must not keep each other waiting.
TURN_SECONDS = 0.25
FAILED_CHECK = "internal_error"


class HealthChecks:
    """The checks of one pool, one task for each target, until `stop`."""

    __slots__ = ("_tasks",)

    def __init__(self, pool: Pool, settings: HealthCheck, turns: asyncio.Semaphore) -> None:
        self._tasks = [spawn("health-check", _check_forever(pool, target, settings, turns)) for target in pool.targets]

    def stop(self) -> None:
        """Check no more."""
        for task in self._tasks:
            task.cancel()


async def _check_forever(
    pool: Pool, target: TargetConnections, settings: HealthCheck, turns: asyncio.Semaphore
) -> None:
    health = target.health
    assert health is not None
    # Apart from the connections that requests have, and from their counts.
    probed = target.double()
    # All targets of a new revision at once would be a burst.
    await asyncio.sleep(random() * min(settings.interval_seconds, 1.0))  # noqa: S311 - no secret
    while True:
        async with _turn(turns):
            try:
                failure = await check(pool, probed, settings)
            except Exception as error:
                failure = FAILED_CHECK
                if health.finding != failure:
                    log.error("health_check_failed", service=health.name, target=health.target, error=error)
        health.checked(settings, failure)
        await asyncio.sleep(settings.interval_seconds * (1 + JITTER * (2 * random() - 1)))  # noqa: S311


@asynccontextmanager
async def _turn(turns: asyncio.Semaphore) -> AsyncIterator[None]:
    await turns.acquire()
    with ExitStack() as over:
        over.callback(turns.release)
        end = asyncio.get_running_loop().call_later(TURN_SECONDS, over.close)
        try:
            yield
        finally:
            end.cancel()


async def check(pool: Pool, target: TargetConnections, settings: HealthCheck) -> str:
    """Ask a target once, on a connection of its own. Return what is wrong in one word, empty where nothing is."""
    connection: UpstreamConnection | None = None
    try:
        async with asyncio.timeout(settings.timeout_seconds):
            connection = await pool.open(target)
            answer = _Answer()
            connection.ask(answer, b"GET", _head(target, settings.path))
            status = await answer.status
    except TimeoutError:
        return "timeout"
    except UpstreamError as error:
        return error.response.code
    finally:
        if connection is not None:
            connection.abandon()
    good = status in settings.statuses if settings.statuses else 200 <= status < 400
    return "" if good else f"status_{status}"


def _head(target: TargetConnections, path: str) -> bytes:
    return b"".join((
        b"GET", target.line_start, path.encode(), target.line_end,
        b"\r\nuser-agent: portico-health-check\r\naccept: */*\r\nconnection: close\r\n\r\n",
    ))  # fmt: skip


class _Answer:
    """Takes the answer to a check: its status is all that counts."""

    __slots__ = ("status",)

    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def on_interim(self, head: ResponseHead) -> None:
        """Wait on."""

    def on_head(self, head: ResponseHead, body: bytes, done: bool) -> None:
        """Take the status."""
        if not self.status.done():
            self.status.set_result(head.status)

    def on_switch(self, head: bytes, rest: bytes) -> None:
        """Refuse what nobody has asked for."""
        raise UpstreamError(BAD_RESPONSE)

    def on_body(self, body: bytes, done: bool) -> None:
        """Nobody wants it."""

    def on_trailers(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Nobody wants them."""

    def on_failure(self, response: Response, *, stale: bool) -> None:
        """Take the failure."""
        if not self.status.done():
            self.status.set_exception(UpstreamError(response))

    def on_full(self, full: bool) -> None:
        """There is nothing more to send."""

    def body_done(self) -> bool:
        """Tell that everything has been sent."""
        return True
