"""A revision compiled in a worker: everything a request needs, reached by one reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import TYPE_CHECKING

import msgspec

from gateway_runtime.schema.document import Consumer, Surroundings, Tier, Trial

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

    def find_api(self, id: str) -> CompiledApi | None:
        """Return the compiled form of an API."""
        return self.apis.get(id)

    def all_apis(self) -> Iterable[CompiledApi]:
        """Return every compiled API that requests may come to."""
        return self.apis.values()

    def definition_of(self, api: CompiledApi) -> Definition | None:
        """Return what one of its APIs was compiled from."""
        return self.definitions.get(api.id)

    def answered_by(self, api: CompiledApi) -> int:
        """Return the number of the revision that answers the requests of one of its APIs."""
        return self.revision


class CandidateSnapshot(Snapshot):
    """A snapshot with a candidate beside it: the tables choose for each request, or send all requests to it.

    `share` of the requests go to the candidate. `tried` are its compiled APIs that differ, `tried_definitions` what
    they were made from; everything else is that of all others.
    """

    __slots__ = ("share", "trial", "tried", "tried_definitions")

    def __init__(
        self,
        stable: Snapshot,
        trial: Trial,
        share: float,
        ports: dict[int, PortTable],
        tried: dict[str, CompiledApi],
        tried_definitions: dict[str, Definition],
    ) -> None:
        super().__init__(
            stable.revision, stable.digest, ports, stable.apis, stable.document, stable.definitions, stable.tls,
            stable.consumers, stable.bindings, stable.tiers,
        )  # fmt: skip
        self.trial = trial
        self.share = share
        self.tried = tried
        self.tried_definitions = tried_definitions

    @property
    def token(self) -> object:
        """Return something new each time: where a request belonged last says nothing about the next one."""
        return object()

    @token.setter
    def token(self, token: object) -> None:
        pass

    def find_api(self, id: str) -> CompiledApi | None:
        """Return the compiled form of an API: that of all others, else the candidate's."""
        return self.apis.get(id) or self.tried.get(id)

    def all_apis(self) -> Iterable[CompiledApi]:
        """Return every compiled API that requests may come to."""
        return [*self.apis.values(), *self.tried.values()]

    def definition_of(self, api: CompiledApi) -> Definition | None:
        """Return what one of its APIs was compiled from."""
        return (self.tried_definitions if api.candidate else self.definitions).get(api.id)

    def answered_by(self, api: CompiledApi) -> int:
        """Return the number of the revision that answers the requests of one of its APIs."""
        return api.candidate or self.trial.stable
