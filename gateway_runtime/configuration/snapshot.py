"""A revision compiled in a worker: everything a request needs, reached by one reference."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING

import msgspec

from gateway_runtime.schema.document import Consumer, Surroundings, Tier

if TYPE_CHECKING:
    from gateway_runtime.routing.table import CompiledApi, PortTable
    from gateway_runtime.tls.compiled import ListenerTls


class Definition(msgspec.Struct, frozen=True, gc=False):
    """What an API was compiled from: its bytes, which are small and quickly compared, and what is asked of it often."""

    id: str
    listener: str
    bindings: tuple[str, ...]
    data: bytes


class Snapshot:
    """What one worker serves. Never changed after it is made: a new revision is a new snapshot.

    `ports` maps a listener's port to its routing table, `apis` an instance's id to its compiled form. `definitions`
    holds the definition each compiled API was really made from, which is an older one where the new one is broken.
    `consumers` has those with a contract for an API by its id, `tiers` the tiers of these contracts by the consumer's
    id, `bindings` the ids of all policy bindings, also of
    those that could not be built. `tls` maps the port of each listener that speaks TLS to how it does. `token` names
    this snapshot for those who must not keep it in memory.
    """

    __slots__ = (
        "apis",
        "bindings",
        "consumers",
        "definitions",
        "digest",
        "document",
        "ports",
        "revision",
        "tiers",
        "tls",
        "token",
    )  # fmt: skip

    def __init__(
        self,
        revision: int,
        digest: str,
        ports: dict[int, PortTable],
        apis: dict[str, CompiledApi],
        document: Surroundings,
        definitions: dict[str, Definition] | None = None,
        tls: dict[int, ListenerTls] | None = None,
        consumers: Mapping[str, tuple[Consumer, ...]] | None = None,
        bindings: Set[str] = frozenset(),
        tiers: Mapping[str, Mapping[str, Tier]] | None = None,
    ) -> None:
        self.token = object()
        self.revision = revision
        self.digest = digest
        self.ports = ports
        self.apis = apis
        self.document = document
        self.definitions = {} if definitions is None else definitions
        self.tls = {} if tls is None else tls
        self.consumers = {} if consumers is None else consumers
        self.tiers = {} if tiers is None else tiers
        self.bindings = bindings
