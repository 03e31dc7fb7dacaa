"""What a replica counts and answers, and where that goes: to the portal, or to the process that speaks for it now."""

import asyncio
from collections.abc import Callable, Sequence

from gateway_runtime.control import Telemetry
from gateway_runtime.handover import Counted, State, Successor
from gateway_runtime.link import Link
from gateway_runtime.schema.replica import Acknowledgement, ReplicaStatus
from gateway_runtime.tasks import cancel
from gateway_runtime.telemetry.totals import Totals

TAKEN_SECONDS = 10.0


class Reporting:
    """Of the processes of one replica exactly one reports at a time. Until it is open, answers wait here."""

    def __init__(self, link: Link, status: Callable[[], ReplicaStatus]) -> None:
        self._link = link
        self._status = status
        self._tasks: Sequence[asyncio.Task[None]] = ()
        self._open = False
        self._answers: list[Acknowledgement] = []
        self._successor: Successor | None = None
        # What was sent to a successor that has not said yet that it has the state.
        self._unsure: list[tuple[Telemetry, int]] | None = []
        self.totals = Totals()

    def open(self) -> None:
        """Begin to report, or go on."""
        self._tasks = self._link.open(self._status)
        self._open = True
        answers, self._answers = self._answers, []
        for answer in answers:
            self._link.acknowledge(answer)

    async def pause(self) -> None:
        """Say nothing more for now."""
        self._open = False
        await cancel(*self._tasks)

    def acknowledge(self, answer: Acknowledgement) -> None:
        """Tell how a revision was taken."""
        if self._open:
            self._link.acknowledge(answer)
        elif self._successor is None:
            self._answers.append(answer)

    def count(self, telemetry: Telemetry, dropped: int) -> None:
        """Take what a worker has counted."""
        if self._successor is not None:
            self._successor.send(Counted(telemetry=telemetry, dropped=dropped))
            if self._unsure is not None:
                self._unsure.append((telemetry, dropped))
            return
        self.totals.add(telemetry.rows)
        self.totals.handshakes.update(telemetry.handshakes)
        self.totals.turned_away.update(telemetry.turned_away)
        self._link.count(telemetry, dropped)

    async def hand_over(self, successor: Successor) -> None:
        """Give a successor everything counted so far, and all that will be.

        Raises `HandoverError` or `TimeoutError` when it does not take it; then nothing is changed.
        """
        await self.pause()
        successor.send(
            State(
                totals=self.totals.rows(),
                handshakes=dict(self.totals.handshakes),
                spool=self._link.hand_over(),
                turned_away=dict(self.totals.turned_away),
            )
        )
        self._successor = successor
        try:
            async with asyncio.timeout(TAKEN_SECONDS):
                await successor.taken()
        except BaseException:
            self._take_back()
            raise
        self._unsure = None

    def _take_back(self) -> None:
        unsure, self._unsure, self._successor = self._unsure, [], None
        for telemetry, dropped in unsure or ():
            self.count(telemetry, dropped)
        self.open()

    def carry_on(self, state: State) -> None:
        """Take what a predecessor gives."""
        self.totals.add(state.totals)
        self.totals.handshakes.update(state.handshakes)
        self.totals.turned_away.update(state.turned_away)
        if state.spool is not None:
            self._link.carry_on(state.spool)

    async def close(self) -> None:
        """Say what was counted last and goodbye; nothing of that where somebody else goes on reporting."""
        await self.pause()
        if self._successor is None:
            await self._link.close()
        else:
            await self._link.leave()
