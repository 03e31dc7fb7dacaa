"""Local mode: files configure this replica, and nobody else hears of its traffic."""

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gateway_runtime.configuration.last_good import LastGood
from gateway_runtime.configuration.source import Offer
from gateway_runtime.control import Telemetry
from gateway_runtime.link import Task
from gateway_runtime.local.files import FolderError
from gateway_runtime.local.watching import FilesSource
from gateway_runtime.schema.replica import Acknowledgement, ReplicaStatus
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.telemetry.spool import Spool, SpoolState


class FilesLink:
    """The link to a folder or file. The files themselves are what a restart begins with."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        if not root.exists():
            raise FolderError(f"The configuration {root} does not exist. Give a folder or a file with --config.")
        self.name = self.replica = environment.get("FLEX_NAME") or socket.gethostname()
        self.source = FilesSource(root, environment)
        self.last_good: LastGood | None = None
        self.spool: Spool | None = None
        self.lock: int | None = None
        self.verify_key = ""
        self.registration = 0
        # The files may name one.
        self.storage: SharedStorage | None = None

    @property
    def traces_dropped(self) -> None:
        """Nobody takes any."""
        return None

    @property
    def redis_up(self) -> None:
        """There is no Redis."""
        return None

    def open(self, status: Callable[[], ReplicaStatus]) -> Sequence[Task]:
        """Nobody is told."""
        return []

    async def check(self) -> None:
        """Nobody can revoke it."""

    def first_offer(self) -> Offer | None:
        """The source is at hand, so it is asked at once."""
        return None

    def listen(self) -> Sequence[Task]:
        """The source looks by itself."""
        return []

    def acknowledge(self, answer: Acknowledgement) -> None:
        """The log and the admin pages tell it."""

    def count(self, telemetry: Telemetry, dropped: int) -> None:
        """Totals are all that is kept."""

    def hand_over(self) -> None:
        """Nothing waits."""

    def carry_on(self, state: SpoolState) -> None:
        """Nothing waited."""

    async def leave(self) -> None:
        """Nothing is held."""

    async def close(self) -> None:
        """Nothing is held."""
