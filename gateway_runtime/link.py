"""What ties a replica to whoever configures it: a portal behind Redis, or a folder of files."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway_runtime.configuration.last_good import LastGood
from gateway_runtime.configuration.source import ConfigurationSource, Offer
from gateway_runtime.control import Telemetry
from gateway_runtime.schema.replica import Acknowledgement, ReplicaStatus
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.telemetry.spool import Spool, SpoolState

Task = asyncio.Task[None]


class Link(Protocol):
    """The supervisor calls these in the order in which they stand here. `spool` is None where nothing is sent on."""

    name: str
    replica: str
    # Descriptor of what keeps other gateways from using the same state folder.
    lock: int | None
    # Where counters are shared unless a document names another place.
    storage: SharedStorage | None
    # The public key that revisions are signed for; empty where they come from files.
    verify_key: str
    # The number of the registration; 0 where there is none.
    registration: int

    @property
    def source(self) -> ConfigurationSource:
        """Where revisions come from."""

    @property
    def last_good(self) -> LastGood | None:
        """What keeps the newest good revision on disk."""

    @property
    def spool(self) -> Spool | None:
        """What is counted and not yet sent on."""

    @property
    def traces_dropped(self) -> int | None:
        """Return how many traces were given up; None where nobody takes any."""

    @property
    def redis_up(self) -> bool | None:
        """Tell whether the last attempt to reach Redis succeeded; None where there is none."""

    def open(self, status: Callable[[], ReplicaStatus]) -> Sequence[Task]:
        """Start to report and to send on what is counted, until the end."""

    async def check(self) -> None:
        """Ask, before anything is served, whether this replica may still serve. Raises `Revoked`."""

    def first_offer(self) -> Offer | None:
        """Return the revision to serve before the source has been asked."""

    def listen(self) -> Sequence[Task]:
        """Start to hear of changes, until the replica stops."""

    def acknowledge(self, answer: Acknowledgement) -> None:
        """Tell how a revision was taken."""

    def count(self, telemetry: Telemetry, dropped: int) -> None:
        """Take what a worker has counted."""

    def hand_over(self) -> SpoolState | None:
        """Return what is counted and not yet sent on, once the tasks of `open` have ended."""

    def carry_on(self, state: SpoolState) -> None:
        """Take what another process of this replica has counted and not sent on, before `open`."""

    async def leave(self) -> None:
        """Let go of connections without a word: another process speaks for this replica now."""

    async def close(self) -> None:
        """Say what was counted last and goodbye, and let go of connections."""
