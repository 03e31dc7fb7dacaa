"""Taking back what was just done.

A service says `@undoable("route")`; what a route is, and which services make, change and remove one, its app says with
`register(Thing(…))` in its `undoables.py`. Before and after a change the thing is described as its services take it,
with its secrets, and kept encrypted for a day. To undo is to call the service that leads back, and only when the thing
is still as it was left: what somebody has changed since is never lost.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from portal.audit.models import AuditEvent, UndoStep
from portal.audit.services import events_recorded
from portal.audit.wording import readable
from portal.core.errors import ApplicationError
from portal.core.undo_offer import offer

KEPT = timedelta(hours=24)
State = dict[str, Any]
F = TypeVar("F", bound=Callable[..., Any])


def still_there(model: Any, pk: Any) -> Any:
    """Return the row that a description names. Raises `ApplicationError` when it is gone."""
    row = model.objects.filter(pk=pk).first()
    if row is None:
        what = readable(model._meta.model_name)
        raise ApplicationError("undo_gone", f"The {what} that it belongs to is not there any more.", status=409)
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A kind of thing whose changes can be taken back.

    `state` describes a row by values that JSON can hold. `create` makes one from such a description and `change` brings
    one back to it, by the thing's services; `remove` is the service that takes one away. What a thing has not cannot be
    undone.
    """

    name: str
    permission: str
    # The keyword under which services take a row.
    argument: str
    model: Any
    state: Callable[[Any], State]
    change: Callable[[Any, Any, State], Any] | None = None
    create: Callable[[Any, State], Any] | None = None
    remove: Callable[..., Any] | None = None

    def row(self, pk: str) -> Any:
        """Return the row, locked, or None."""
        return self.model.objects.select_for_update(of=("self",)).filter(pk=pk).first()

    def described(self, pk: str) -> State | None:
        """Return how the row is now; None where there is none."""
        row = self.model.objects.filter(pk=pk).first()
        # Once through JSON, so that what is compared later was the same when it was kept.
        return None if row is None else json.loads(json.dumps(self.state(row), default=str))


_things: dict[str, Thing] = {}


def register(thing: Thing) -> None:
    """Add a kind. The same name again replaces it."""
    _things[thing.name] = thing


def undoable(name: str) -> Callable[[F], F]:
    """Keep what is needed to take back what a service does to a thing: the one it gets, or the one it returns."""

    def decorate(service: F) -> F:
        @wraps(service)
        @transaction.atomic
        def recorded(**given: Any) -> Any:
            thing = _things[name]
            row = given.get(thing.argument)
            pk = str(row.pk) if row is not None else ""
            before = thing.described(pk) if pk else None
            with events_recorded() as events:
                result = service(**given)
            pk = pk or str(result.pk)
            after = thing.described(pk)
            if events and before != after:
                _keep(thing, events[-1], pk, before, after)
            return result

        return recorded  # type: ignore[return-value]

    return decorate


def _keep(thing: Thing, event: AuditEvent, pk: str, before: State | None, after: State | None) -> None:
    if _way_back(thing, before, after) is None:
        return
    UndoStep.objects.create(
        event=event,
        thing=thing.name,
        target=pk,
        before=json.dumps(before),
        after=json.dumps(after),
        expires_at=timezone.now() + KEPT,
    )
    offer(str(event.pk), f"{event.label}: {event.target_name}")


def _way_back(thing: Thing, before: State | None, after: State | None) -> Callable[..., Any] | None:
    if before is None:
        return thing.remove
    return thing.create if after is None else thing.change


def undo_fault(step: UndoStep) -> ApplicationError | None:
    """Return why a change cannot be taken back any more; None where it can."""
    if step.undone_at is not None:
        return ApplicationError("undone_already", "This is undone already.", status=409)
    if step.expires_at <= timezone.now():
        return ApplicationError("undo_expired", "A change can be undone for 24 hours. Change it by hand.", status=409)
    if _things[step.thing].described(step.target) != json.loads(step.after):
        return ApplicationError("changed_since", _since(step.event), status=409)
    return None


def _since(event: AuditEvent) -> str:
    later = AuditEvent.objects.filter(target_type=event.target_type, target_id=event.target_id).filter(
        created_at__gt=event.created_at
    )
    found = later.order_by("created_at").first()
    who = f"{found.actor_name} has changed it since ({found.label})" if found else "It was changed since"
    return f"{who}, so it is left as it is now. Look at both in the audit log and change it by hand."


@transaction.atomic
def change_undo(*, actor: Any, event: AuditEvent) -> AuditEvent:
    """Take a recorded change back. Raises `ApplicationError` where it is too late or somebody has changed it since."""
    step = UndoStep.objects.select_for_update(of=("self",)).select_related("event").filter(event=event).first()
    if step is None:
        raise ApplicationError("not_undoable", "This change cannot be undone.", status=409)
    thing = _things[step.thing]
    row = thing.row(step.target)
    if (fault := undo_fault(step)) is not None:
        raise fault
    before, after = json.loads(step.before), json.loads(step.after)
    way: Any = _way_back(thing, before, after)
    if before is None:
        way(actor=actor, **{thing.argument: row})
    else:
        way(actor, *([row] if after is not None else []), before)
    if after is not None and before is not None and thing.described(step.target) != before:
        raise ApplicationError("undo_incomplete", "Not all of it can be brought back. Change it by hand.", status=409)
    step.undone_at = timezone.now()
    # What is done with needs no secrets any more.
    step.before = step.after = "null"
    step.save()
    return event


def undo_permission(step: UndoStep) -> str:
    """Return what one must hold to take a change back: what it took to make it."""
    return _things[step.thing].permission


def undo_forget() -> int:
    """Delete what is too old to be taken back, and the secrets with it. Returns how much that was."""
    count, _ = UndoStep.objects.filter(expires_at__lte=timezone.now()).delete()
    return count
