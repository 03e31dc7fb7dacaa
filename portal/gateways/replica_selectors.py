"""Questions about replicas: how far behind each is, and what is wrong with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from gateway_runtime.schema.replica import CLOCK_SKEW_SECONDS, DISCONNECTED_AFTER_SECONDS
from portal.gateways.models import Gateway, Replica
from portal.gateways.selectors import ConnectionState, replica_state

# From so long before on it is worth a warning.
EXPIRES_SOON = timedelta(days=30)


def replicas_with_lag(replicas: Any) -> Any:
    """Add to each replica how many published revisions it lacks (`behind`), and since when (`behind_since`)."""
    revisions = Gateway._meta.get_field("revisions").related_model._default_manager
    newer = revisions.filter(
        gateway=OuterRef("gateway"), number__gt=OuterRef("revision"), published_at__isnull=False
    ).order_by()
    counted = newer.values("gateway").annotate(count=Count("pk")).values("count")
    return replicas.annotate(
        behind=Coalesce(Subquery(counted, output_field=IntegerField()), Value(0)),
        behind_since=Subquery(newer.order_by("number").values("published_at")[:1]),
    )


def span_text(seconds: float) -> str:
    """Write a span by its two largest units: 3 d 4 h, 12 min 5 s."""
    left = int(seconds)
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count}\u00a0{unit}")
        if len(parts) == 2:
            break
    return "\u00a0".join(parts) or "0\u00a0s"


@dataclass(frozen=True, slots=True)
class ReplicaDetail:
    """One replica as people look at it. Only one that is connected can be behind."""

    replica: Any
    state: ConnectionState
    now: datetime
    current_registration: int

    @property
    def connected(self) -> bool:
        """Tell whether it is heard of."""
        return self.state is ConnectionState.CONNECTED

    @property
    def up_seconds(self) -> float:
        """Return for how long it has run; of one that is gone, for how long it had run."""
        end = self.now if self.connected else self.replica.seen_at
        return max((end - self.replica.started_at).total_seconds(), 0.0)

    @property
    def up_text(self) -> str:
        """Return that in words."""
        return span_text(self.up_seconds)

    @property
    def behind_text(self) -> str:
        """Return how far behind it is in words."""
        return f"{self.behind} behind, {span_text(self.behind_seconds)}"

    @property
    def behind(self) -> int:
        """Return how many revisions it lacks."""
        return self.replica.behind if self.connected else 0

    @property
    def behind_seconds(self) -> float:
        """Return for how long it has lacked the first of them."""
        if not self.behind:
            return 0.0
        return max((self.now - self.replica.behind_since).total_seconds(), 0.0)

    @property
    def clock_wrong(self) -> bool:
        """Tell whether its clock is off by so much that tokens begin to be refused."""
        return abs(self.replica.clock_skew_seconds or 0.0) > CLOCK_SKEW_SECONDS

    @property
    def clock_text(self) -> str:
        """Return how far its clock is ahead of that of Redis."""
        skew = self.replica.clock_skew_seconds
        # Rounded before, so that nothing is written as less than nothing.
        return "" if skew is None else f"{round(skew, 2) + 0.0:+.2f}\u00a0s"

    @property
    def certificate_expires_soon(self) -> bool:
        """Tell whether it is time to renew a certificate."""
        expires_at = self.replica.certificate_expires_at
        return expires_at is not None and expires_at - self.now < EXPIRES_SOON

    @property
    def old_registration(self) -> bool:
        """Tell whether it runs with a registration from before the last renewal."""
        return self.connected and self.replica.registration < self.current_registration


def replica_details(gateway: Gateway, replicas: Any, now: datetime) -> list[ReplicaDetail]:
    """Return replicas of a gateway (from `replicas_with_lag`) with what is to be said of each."""
    newest = gateway.credentials.order_by("-number").values_list("number", flat=True).first() or 0
    return [ReplicaDetail(replica, replica_state(replica, now), now, newest) for replica in replicas]


def _heard_since(now: datetime) -> datetime:
    return now - timedelta(seconds=DISCONNECTED_AFTER_SECONDS)


def replicas_in_state(replicas: Any, state: str, now: datetime) -> Any:
    """Return the replicas that are connected, or disconnected, at `now`."""
    connected = Q(seen_at__gte=_heard_since(now), stopping=False)
    return replicas.filter(connected if state == ConnectionState.CONNECTED else ~connected)


def replicas_behind(replicas: Any, behind: bool, now: datetime) -> Any:
    """Return the connected replicas (from `replicas_with_lag`) that lack a revision, or those that lack none."""
    lacking = replicas_in_state(replicas, ConnectionState.CONNECTED, now)
    return lacking.filter(behind__gt=0) if behind else lacking.filter(behind=0)


def gateways_in_state(gateways: Any, state: str, now: datetime) -> Any:
    """Return the gateways in one state: the same that `gateway_status` tells of each."""
    if state == ConnectionState.REVOKED:
        return gateways.filter(revoked_at__isnull=False)
    theirs = Replica.objects.filter(gateway=OuterRef("pk"))
    connected = Exists(theirs.filter(seen_at__gte=_heard_since(now), stopping=False))
    chosen = {
        ConnectionState.CONNECTED: Q(connected),
        ConnectionState.DISCONNECTED: ~Q(connected) & Q(Exists(theirs)),
        ConnectionState.NEVER_SEEN: ~Q(Exists(theirs)),
    }
    return gateways.filter(chosen[ConnectionState(state)], revoked_at=None)
