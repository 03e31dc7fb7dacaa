"""Files as a source of revisions: looked at every half second, loaded once they have stopped changing."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway_runtime.configuration.source import Offer, OfferRefused
from gateway_runtime.local.faults import FileFault, FilesRefused
from gateway_runtime.local.files import Stamp, stamps
from gateway_runtime.local.loading import Loaded, load
from gateway_runtime.log import log
from gateway_runtime.schema.document import Document
from gateway_runtime.telemetry.outputs import runtime_log

POLL_SECONDS = 0.5
# Saving several files, or one file by removing and writing it, takes a moment.
SETTLE_SECONDS = 0.2
# Files that never stop changing are read nevertheless.
SETTLED_AFTER_SECONDS = 3.0


class FilesSource:
    """The revisions of a folder or file. Each content that differs from the one before gets the next number."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = environment
        self._seen: tuple[Stamp, ...] | None = None
        self._revision = 0
        self._offer: Offer | None = None
        self._document: Document | None = None
        self._refused: OfferRefused | None = None

    async def fetch(self, newer_than: int) -> Offer | None:
        """Return what the files say if it is new. Raises `OfferRefused` for as long as they cannot be used."""
        found = await asyncio.to_thread(stamps, self._root)
        if found != self._seen:
            self._seen = await self._settled(found)
            await self._load()
        if self._refused is not None:
            raise self._refused
        offer = self._offer
        return offer if offer is not None and offer.revision > newer_than else None

    async def _settled(self, found: tuple[Stamp, ...]) -> tuple[Stamp, ...]:
        """Wait until two looks at the files show the same."""
        end = time.monotonic() + SETTLED_AFTER_SECONDS
        # The first look at all has nothing to wait for.
        while self._seen is not None and time.monotonic() < end:
            await asyncio.sleep(SETTLE_SECONDS)
            before, found = found, await asyncio.to_thread(stamps, self._root)
            if found == before:
                break
        return found

    async def _load(self) -> None:
        try:
            loaded = await asyncio.to_thread(load, self._root, self._environment, self._document)
        except FilesRefused as refused:
            self._refuse(refused)
            return
        if self._refused is not None:
            log.info("configuration_mended")
        self._refused = None
        if self._offer is None or self._offer.digest != loaded.digest:
            self._revision += 1
            # A restart must not end a service because its certificate has expired; the log tells of it.
            self._offer = Offer(self._revision, loaded.digest, loaded.data, accepted=self._document is None)
        self._document = loaded.document
        _tell(loaded)

    def _refuse(self, refused: FilesRefused) -> None:
        for fault in refused.faults:
            _log(log.error, "configuration_fault", fault)
        first = refused.faults[0]
        content = hashlib.sha256(str(refused).encode()).hexdigest()
        self._refused = OfferRefused(self._revision + 1, content, first.code, str(refused), first.where)

    async def changed(self) -> None:
        """Wait for the time of the next look."""
        await asyncio.sleep(POLL_SECONDS)

    async def close(self) -> None:
        """Nothing is held between two looks."""


def _tell(loaded: Loaded) -> None:
    log.level = loaded.document.log_level
    runtime_log.use(loaded.document.runtime_log_outputs)
    for note in loaded.notes:
        _log(log.warning, "configuration_note", note)


def _log(write: Callable[..., None], event: str, fault: FileFault) -> None:
    write(event, file=fault.file, line=fault.line, key=fault.key, code=fault.code, message=fault.message)
