"""One action on many rows: rehearsed for a preview, then done, each row by itself.

An app registers its actions on a place (`"instances"`) in `AppConfig.ready()`; the list, the pages and REST know them
from there. What one row refuses is told beside it and keeps no other row from its change. All rows are changed in one
transaction, so that a gateway gets one revision.
"""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from portal.core.errors import ApplicationError

MOST_ROWS = 500
Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a form may look at: who asks, where, and about which rows."""

    user: Any
    environment: Any
    rows: list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAction:
    """What can be done to many rows.

    `run(actor=…, row=…, **values)` does it to one and says in a few words what it is (“active → stopped”), or returns
    an empty text where nothing changes. `form` takes the posted values and `chosen`. With `url_name` the action is a
    page of its own, which takes the chosen rows from `?chosen=`.
    """

    name: str
    title: str
    permission: str
    run: Callable[..., str] | None = None
    form: Callable[..., Any] | None = None
    url_name: str = ""
    icon: str = "checks"
    dangerous: bool = False
    order: int = 50


class State(enum.StrEnum):
    """How it stands with one row."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What becomes, or became, of one row. A row that is gone has kept its name."""

    id: Any
    name: str
    url: str
    state: State
    text: str


_actions: dict[str, dict[str, BulkAction]] = {}


def register(place: str, action: BulkAction) -> None:
    """Offer an action on a place. The same name registered again replaces it."""
    _actions.setdefault(place, {})[action.name] = action


def actions_of(place: str) -> list[BulkAction]:
    """Return the actions of a place, in order."""
    return sorted(_actions.get(place, {}).values(), key=lambda action: (action.order, action.name))


def action_of(place: str, name: str) -> BulkAction | None:
    """Return an action by name."""
    return _actions.get(place, {}).get(name)


def bulk_preview(
    *, actor: Any, action: BulkAction, rows: Iterable[Any], allowed: set[Any], values: Values
) -> list[Outcome]:
    """Return what would become of each row: everything is done and taken back."""
    with transaction.atomic():
        found = [_outcome(actor, action, row, allowed, values) for row in rows]
        transaction.set_rollback(True)
    return found


@transaction.atomic
def bulk_run(
    *, actor: Any, action: BulkAction, rows: Iterable[Any], allowed: set[Any], values: Values
) -> list[Outcome]:
    """Do it to each row whose id is among those `allowed`, and return what became of each."""
    return [_outcome(actor, action, row, allowed, values) for row in rows]


def _outcome(actor: Any, action: BulkAction, row: Any, allowed: set[Any], values: Values) -> Outcome:
    assert action.run is not None
    id, name, url = row.pk, str(row), row.get_absolute_url() if hasattr(row, "get_absolute_url") else ""
    state, text = State.REFUSED, f"Your role does not include {action.permission} here."
    if row.pk in allowed:
        try:
            # A savepoint: what a row has changed before it was refused must not stay.
            with transaction.atomic():
                text = action.run(actor=actor, row=row, **values)
            state = State.CHANGED if text else State.UNCHANGED
        except ApplicationError as error:
            text = "; ".join(error.fields.values()) or error.message
    return Outcome(id=id, name=name, url=url, state=state, text=text or "Nothing changes.")
