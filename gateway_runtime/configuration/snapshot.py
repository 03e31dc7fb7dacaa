"""A revision compiled in a worker: everything a request needs, reached by one reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway_runtime.schema.document import ApiInstance, Document

if TYPE_CHECKING:
    from gateway_runtime.routing.table import CompiledApi, PortTable
    from gateway_runtime.tls.compiled import ListenerTls


class Snapshot:
    """What one worker serves. Never changed after it is made: a new revision is a new snapshot.

    `ports` maps a listener's port to its routing table, `apis` an instance's id to its compiled form. `definitions`
    holds the definition each compiled API was really made from, which is an older one where the new one is broken.
    `tls` maps the port of each listener that speaks TLS to how it does.
    """

    __slots__ = ("apis", "definitions", "digest", "document", "ports", "revision", "tls")

    def __init__(
        self,
        revision: int,
        digest: str,
        ports: dict[int, PortTable],
        apis: dict[str, CompiledApi],
        document: Document,
        definitions: dict[str, ApiInstance] | None = None,
        tls: dict[int, ListenerTls] | None = None,
    ) -> None:
        self.revision = revision
        self.digest = digest
        self.ports = ports
        self.apis = apis
        self.document = document
        self.definitions = {} if definitions is None else definitions
        self.tls = {} if tls is None else tls
