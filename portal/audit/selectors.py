"""Questions to the audit trail."""

import datetime
from typing import Any

from portal.audit.chain import CONTENT
from portal.audit.models import AuditChain, AuditEvent
from portal.core.history import PastChange

NEWEST = 5


def event_whole(event: AuditEvent) -> dict[str, Any]:
    """Return all that an event says."""
    return {name: getattr(event, name) for name in CONTENT}


def chain_state() -> AuditChain | None:
    """Return the chain with what its last verification found; None before anything was recorded."""
    return AuditChain.objects.defer("key").first()


def changes_of_object(target: Any, since: datetime.datetime | None) -> list[PastChange]:
    """Return the latest recorded changes of an object, those after `since` where it is given; the newest first."""
    events = AuditEvent.objects.filter(target_type=target._meta.model_name, target_id=str(target.pk))
    if since is not None:
        events = events.filter(created_at__gte=since)
    return [
        PastChange(who=event.actor_name, when=event.created_at, what=event.label)
        for event in events.order_by("-created_at")[:NEWEST]
    ]
