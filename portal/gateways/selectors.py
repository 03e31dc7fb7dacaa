"""Questions about gateways."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway_runtime.schema.replica import DISCONNECTED_AFTER_SECONDS
from portal.gateways.models import Gateway, Replica
from portal.organizations.models import Environment


class ConnectionState(enum.StrEnum):
    """Whether a gateway, or one replica, is heard of."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    NEVER_SEEN = "never_seen"
    REVOKED = "revoked"

    @property
    def label(self) -> str:
        """Return it as people read it."""
        return self.value.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStatus:
    """A gateway as its replicas report it. `revisions` are those running now, newest first."""

    state: ConnectionState
    last_contact: datetime | None
    revisions: tuple[int, ...]
    replicas: int
    workers: int
    versions: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def revision(self) -> int:
        """Return the newest revision that runs on a connected replica; 0 for none."""
        return self.revisions[0] if self.revisions else 0


def replica_state(replica: Replica, now: datetime) -> ConnectionState:
    """Tell whether a replica is heard of at `now`. One that said it is stopping is gone at once."""
    silent = now - replica.seen_at > timedelta(seconds=DISCONNECTED_AFTER_SECONDS)
    return ConnectionState.DISCONNECTED if silent or replica.stopping else ConnectionState.CONNECTED


def gateway_status(gateway: Gateway, now: datetime) -> GatewayStatus:
    """Summarise the gateway's replicas at `now`. Uses prefetched replicas when there are."""
    replicas = list(gateway.replicas.all())
    connected = [replica for replica in replicas if replica_state(replica, now) is ConnectionState.CONNECTED]
    if gateway.revoked_at is not None:
        state = ConnectionState.REVOKED
    elif not replicas:
        state = ConnectionState.NEVER_SEEN
    else:
        state = ConnectionState.CONNECTED if connected else ConnectionState.DISCONNECTED
    return GatewayStatus(
        state=state,
        last_contact=max((replica.seen_at for replica in replicas), default=None),
        revisions=tuple(sorted({replica.revision for replica in connected if replica.revision}, reverse=True)),
        replicas=len(connected),
        workers=sum(replica.workers for replica in connected),
        versions=tuple(sorted({replica.version for replica in connected})),
        errors=tuple(replica.message for replica in connected if replica.error_code),
    )


def gateway_connected(environments: Iterable[Environment], now: datetime) -> bool:
    """Tell whether any gateway of these environments is connected."""
    since = now - timedelta(seconds=DISCONNECTED_AFTER_SECONDS)
    return Replica.objects.filter(
        gateway__environment__in=list(environments), seen_at__gte=since, stopping=False
    ).exists()
