"""Which client applications there are, and which of them may call one API."""

from collections.abc import Iterable, Mapping

from gateway_runtime.schema.document import Consumer, Tier


class Directory:
    """All client applications of the gateway. One object for the life of a worker, refilled by each revision.

    APIs that a revision leaves unchanged keep their compiled form, and with it a reference to this directory.
    """

    __slots__ = ("_by_client_id",)

    def __init__(self) -> None:
        self._by_client_id: dict[bytes, Consumer] = {}

    def fill(self, consumers: Iterable[Consumer]) -> None:
        """Take the applications of a revision."""
        self._by_client_id = {consumer.client_id.encode(): consumer for consumer in consumers}

    def get(self, client_id: bytes) -> Consumer | None:
        """Return the application with this client id."""
        return self._by_client_id.get(client_id)


class ApiConsumers:
    """The `ConsumerIndex` of one API: who has an active contract, and under which tier (by the consumer's id)."""

    __slots__ = ("_by_client_id", "_directory", "tiers")

    def __init__(
        self, directory: Directory, consumers: Iterable[Consumer], tiers: Mapping[str, Tier] | None = None
    ) -> None:
        self._directory = directory
        self.tiers: Mapping[str, Tier] = tiers or {}
        self._by_client_id = {consumer.client_id.encode(): consumer for consumer in consumers}

    def by_client_id(self, client_id: bytes) -> Consumer | None:
        """Return the application with this client id when it has an active contract for this API."""
        return self._by_client_id.get(client_id)

    def knows(self, client_id: bytes) -> bool:
        """Tell whether any application of this gateway has this client id."""
        return self._directory.get(client_id) is not None

    def known(self, client_id: bytes) -> Consumer | None:
        """Return the application with this client id whether or not it has a contract here."""
        return self._directory.get(client_id)
