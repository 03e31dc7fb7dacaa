"""Trying a candidate out on this replica, until it cannot be taken or ends workers: then all requests get the rest.

Whoever publishes is told by the answer to the revision. The replica does not wait for it to act.
"""

from collections.abc import Callable

from gateway_runtime.configuration.client import ApplyToAll
from gateway_runtime.configuration.source import Offer
from gateway_runtime.configuration.trial import share_of, trial_of
from gateway_runtime.configuration.whole import served_by
from gateway_runtime.control import ApiFault
from gateway_runtime.log import log
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.workers import WorkerPool

# One worker may have ended by chance, of something that all others have too.
ENDS = 2


class Tryout:
    """Stands between whoever brings revisions and the workers. `again` has the present revision applied once more."""

    def __init__(self, replica: str, pool: WorkerPool, apply: ApplyToAll, again: Callable[[], None]) -> None:
        self._replica = replica
        self._pool = pool
        self._apply = apply
        self._again = again
        # The revision with the candidate that is tried out here, its number, and how many workers have ended since.
        self._tried: Offer | None = None
        self._number = 0
        self._ends = 0
        # Why which candidate is not tried out any more.
        self._refused: dict[int, ApiFault] = {}

    async def apply(self, offer: Offer) -> list[ApiFault]:
        """Apply a revision, with its candidate where that is for this replica. Raises `ConfigFault`."""
        trial = trial_of(offer.document)
        # What is only known from the disk may have been undone since.
        if trial is None or offer.accepted or not share_of(trial, self._replica):
            return await self._without(offer)
        if trial.revision in self._refused:
            return [*await self._without(offer), self._refused[trial.revision]]
        if trial.revision != self._number:
            self._number, self._ends = trial.revision, 0
        self._tried = offer
        try:
            return await self._apply(offer._replace(document=served_by(offer.document, self._replica)))
        except ConfigFault as fault:
            # Contracts that were revoked are revoked in this revision too: it is not refused for its candidate.
            faults = await self._without(offer)
            return [*faults, self._refuse(trial.revision, fault)]

    async def _without(self, offer: Offer) -> list[ApiFault]:
        """Apply what all others get."""
        self._tried = None
        await self._pool.until_alive()
        return await self._apply(offer._replace(tries=False))

    def worker_ended(self, how: str) -> None:
        """Hear that a worker has ended that was given a candidate and was not told to end."""
        if self._tried is None:
            return
        self._ends += 1
        if self._ends < ENDS:
            return
        text = f"{self._ends} workers of this replica ended while they served it, the last one with {how}."
        self._refuse(self._number, ConfigFault("", "worker_ended", text))
        self._pool.fall_back(self._tried._replace(tries=False))
        self._tried = None
        self._again()

    def _refuse(self, number: int, fault: ConfigFault) -> ApiFault:
        log.error("candidate_refused", candidate=number, code=fault.code, path=fault.path, message=fault.message)
        told = ApiFault(
            api="", name="The candidate", code=fault.code, path=fault.path, message=fault.message, kept=True,
            candidate=True,
        )  # fmt: skip
        # Those before it are never tried out again.
        self._refused = {number: told}
        return told
