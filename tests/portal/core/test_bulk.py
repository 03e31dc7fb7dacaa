"""One action on many rows, whatever the rows and the action are."""

from typing import Any

import pytest

from portal.core.bulk import BulkAction, State, bulk_preview, bulk_run
from portal.core.errors import ApplicationError
from tests.portal.base import World, make_api


def rename(*, actor: Any, row: Any, refuse: str = "") -> str:
    """Rename an API, and refuse one after it was changed already."""
    row.name = f"{row.name}!"
    row.save()
    if str(row.slug) == refuse:
        raise ApplicationError("no", "Not this one.")
    return "" if row.slug == "same" else "renamed"


RENAME = BulkAction(name="rename", title="Rename", permission="api.change", run=rename)


@pytest.fixture
def rows(world: World) -> list[Any]:
    return [world.api, make_api(world.organization, "Same"), make_api(world.organization, "Stock")]


def names(rows: list[Any]) -> list[str]:
    return [type(row).objects.get(pk=row.pk).name for row in rows]


def test_a_preview_says_what_would_be_and_changes_nothing(world: World, rows: list[Any]) -> None:
    found = bulk_preview(actor=world.ada, action=RENAME, rows=rows, allowed={r.pk for r in rows}, values={})
    assert [each.state for each in found] == [State.CHANGED, State.UNCHANGED, State.CHANGED]
    assert names(rows) == ["Orders", "Same", "Stock"]


def test_a_row_that_is_refused_keeps_no_other_from_its_change(world: World, rows: list[Any]) -> None:
    found = bulk_run(
        actor=world.ada, action=RENAME, rows=rows, allowed={r.pk for r in rows}, values={"refuse": "orders"}
    )
    assert [(each.state, each.text) for each in found[::2]] == [
        (State.REFUSED, "Not this one."), (State.CHANGED, "renamed"),
    ]  # fmt: skip
    assert names(rows) == ["Orders", "Same!", "Stock!"]


def test_what_one_may_not_change_is_refused_by_itself(world: World, rows: list[Any]) -> None:
    found = bulk_run(actor=world.ada, action=RENAME, rows=rows, allowed={rows[2].pk}, values={})
    assert [each.state for each in found] == [State.REFUSED, State.REFUSED, State.CHANGED]
    assert "api.change" in found[0].text
