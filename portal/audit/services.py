"""Recording changes. Called by every service that changes something, inside its transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import models

from portal.audit.chain import CONTENT, chain_get, chain_key, event_mac, seal_soon
from portal.audit.models import AuditEvent
from portal.core.request_id import current_request_id

_listening: ContextVar[tuple[list[AuditEvent], ...]] = ContextVar("audit_listening", default=())


def audit_record(
    *,
    actor: Any,
    action: str,
    target: models.Model,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    message: str = "",
    request_id: str = "",
) -> AuditEvent:
    """Record that `actor` did `action` (`contract.approve`) to `target`. `before` and `after` hold no secrets.

    Whose event it is follows from the target's own scope (see `core.permissions.ScopedQuerySet`); what belongs to no
    organization, such as a person's account, is nobody's but the actor's.
    `actor` is None for what the system does by itself. The id of the request being answered is found by itself;
    a job that goes on with a request's work passes it.
    """
    event = AuditEvent(
        organization_id=_place(target, getattr(target, "scope_organization", "")),
        environment_id=_place(target, getattr(target, "scope_environment", "")),
        actor_id=getattr(actor, "pk", None),
        actor_name=str(actor)[:254] if actor is not None else "Portico",
        action=action,
        target_type=target._meta.model_name or "",
        target_id=str(target.pk),
        target_name=str(target)[:254],
        before=before or {},
        after=after or {},
        message=message,
        request_id=request_id or current_request_id(),
    )
    event.mac = event_mac(chain_key(chain_get()), {name: getattr(event, name) for name in CONTENT})
    event.save()
    seal_soon(event)
    for noted in _listening.get():
        noted.append(event)
    return event


@contextmanager
def events_recorded() -> Iterator[list[AuditEvent]]:
    """Collect the events that are recorded inside of the block, in order."""
    events: list[AuditEvent] = []
    token = _listening.set((*_listening.get(), events))
    try:
        yield events
    finally:
        _listening.reset(token)


def _place(target: models.Model, lookup: str) -> Any:
    """Follow a lookup such as `gateway__environment_id` from an object to an id; "" leads nowhere."""
    found: Any = target if lookup else None
    for name in filter(None, lookup.split("__")):
        found = getattr(found, name)
    return found
