"""Following the source: newer revisions only, each one applied, answered and kept."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from gateway_runtime.configuration.last_good import LastGood
from gateway_runtime.configuration.source import ConfigurationSource, Offer, OfferRefused, Revoked, SourceUnavailable
from gateway_runtime.configuration.trial import trial_of
from gateway_runtime.control import ApiFault
from gateway_runtime.log import log
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.replica import CANDIDATE_REFUSED, Acknowledgement, ApplyState

# A port held by a program that is just ending is free again soon; nothing else heals by itself.
RETRIED_CODES = frozenset({"listener_port_in_use", "probe_port_in_use", "workers_failed"})
RETRY_SECONDS = 5.0

# Brings a revision to every worker. Returns the APIs that are fenced off; raises `ConfigFault` when it is refused.
ApplyToAll = Callable[[Offer], Awaitable[list[ApiFault]]]


@dataclass(slots=True)
class Running:
    """What this gateway runs and how it took the newest revision."""

    revision: int = 0
    digest: str = ""
    applied_at: float = 0.0
    state: ApplyState = ApplyState.WAITING
    error_code: str = ""
    error_path: str = ""
    message: str = ""
    failures: int = 0


class ConfigurationClient:
    """Brings revisions from a source to the workers."""

    def __init__(
        self,
        source: ConfigurationSource,
        *,
        replica: str,
        apply: ApplyToAll,
        acknowledge: Callable[[Acknowledgement], None],
        last_good: LastGood | None = None,
        revoked: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._replica = replica
        self._apply = apply
        self._acknowledge = acknowledge
        self._last_good = last_good
        self._revoked = revoked
        self._clock = clock
        self._now = now
        self._refused: tuple[str, int, str] | None = None
        self._retry: tuple[float, Offer] | None = None
        self._highest = 0
        # One revision at a time.
        self._turn = asyncio.Lock()
        self._applied: Offer | None = None
        self.running = Running()

    async def start_from(self, offer: Offer) -> None:
        """Serve the last good revision, before the source has been asked."""
        await self.take(offer)

    async def run(self) -> None:
        """Follow the source until cancelled."""
        while True:
            await self.check()
            await self._source.changed()

    async def check(self) -> None:
        """Ask the source once and take what is newer than everything seen so far."""
        try:
            offer = await self._source.fetch(self._highest)
        except SourceUnavailable:
            offer = None
        except Revoked:
            self._revoked()
            return
        except OfferRefused as refused:
            self._refuse(refused)
            offer = None
        else:
            self._forgive(offer)
        if offer is None and self._retry is not None and self._clock() >= self._retry[0]:
            offer = self._retry[1]
        if offer is not None:
            await self.take(offer)

    async def take(self, offer: Offer) -> None:
        """Apply one revision, answer for it, and keep it when it is good."""
        async with self._turn:
            await self._take(offer)

    async def again(self) -> None:
        """Apply and answer for the present revision once more: what of it can be served has changed."""
        async with self._turn:
            if self._applied is not None:
                retry = self._retry
                await self._take(self._applied)
                self._retry = retry or self._retry

    async def _take(self, offer: Offer) -> None:
        began = self._clock()
        # What is kept on disk is served without its candidate, which the source has to tell of once more.
        asks_again = offer.accepted and trial_of(offer.document) is not None
        self._highest = max(self._highest, offer.revision - asks_again)
        self._retry = None
        try:
            faults = await self._apply(offer)
        except ConfigFault as fault:
            if fault.code in RETRIED_CODES:
                self._retry = (self._clock() + RETRY_SECONDS, offer)
            self._rejected(offer.revision, offer.digest, fault, began)
            return
        self._applied = offer
        fenced = "; ".join(f"{f.name}: {f.message}" for f in faults)
        self.running = Running(
            revision=offer.revision,
            digest=offer.digest,
            applied_at=self._now(),
            state=ApplyState.APPLIED,
            error_code=_code(faults),
            error_path=faults[0].path if faults else "",
            message=fenced,
            failures=self.running.failures,
        )
        self._answer(offer.revision, offer.digest, began)
        told = [msgspec.to_builtins(fault) for fault in faults]
        (log.warning if faults else log.info)("revision_applied", revision=offer.revision, fenced=told)
        # Without the certificates that stand in for those of this revision, it could not be served after a restart.
        whole = not any(fault.listener and fault.kept for fault in faults)
        if offer.envelope is not None and self._last_good is not None and whole:
            try:
                self._last_good.save(offer.envelope)
            except OSError as error:
                log.error("last_good_not_saved", error=error)

    def _refuse(self, refused: OfferRefused) -> None:
        # Once per content. Its number proves nothing, so the genuine revision of that number is still welcome.
        content = (refused.code, refused.revision, refused.digest)
        if self._refused == content:
            return
        self._refused = content
        fault = ConfigFault(refused.path, refused.code, str(refused))
        self._rejected(refused.revision, refused.digest, fault, self._clock())

    def _forgive(self, offer: Offer | None) -> None:
        """Stop reporting an unusable offer once it has been taken back."""
        if self._refused is not None:
            self._refused = None
            if offer is None and self.running.revision:
                running = self.running
                running.state = ApplyState.APPLIED
                running.error_code = running.error_path = running.message = ""

    def _rejected(self, revision: int, digest: str, fault: ConfigFault, began: float) -> None:
        running = self.running
        running.state = ApplyState.REJECTED
        running.error_code, running.error_path, running.message = fault.code, fault.path, fault.message
        running.failures += 1
        self._answer(revision, digest, began)
        log.error("revision_rejected", revision=revision, code=fault.code, path=fault.path, message=fault.message)

    def _answer(self, revision: int, digest: str, began: float) -> None:
        running = self.running
        self._acknowledge(
            Acknowledgement(
                replica=self._replica,
                revision=revision,
                digest=digest,
                state=running.state,
                applied_at=self._now(),
                took_ms=round((self._clock() - began) * 1000, 3),
                error_code=running.error_code,
                error_path=running.error_path,
                message=running.message,
            )
        )


def _code(faults: list[ApiFault]) -> str:
    """Return the code of an answer that says what is fenced off."""
    if not faults:
        return ""
    if any(fault.candidate for fault in faults):
        return CANDIDATE_REFUSED
    return "api_quarantined" if faults[0].api else faults[0].code
