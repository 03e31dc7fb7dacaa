"""Rows in an order that people change: by dragging, by buttons, over REST. `pinned` ones come first and stay there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

# A record with an `order`.
Row = TypeVar("Row", bound=Any)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Generic[Row]):
    """A row of a list, and what the list says of moving it."""

    row: Row
    pinned: bool
    movable: bool
    first: bool
    last: bool


def place_beside(ordered: Sequence[Row], moved: Row, *, earlier: bool, pinned: int = 0) -> int | None:
    """Return the place before or after that of a row, None where it cannot go there."""
    now = [each.pk for each in ordered].index(moved.pk)
    position = now + (-1 if earlier else 1)
    return position if now >= pinned and pinned <= position < len(ordered) else None


def put(ordered: Sequence[Row], moved: Row, position: int, *, pinned: int = 0) -> bool:
    """Give a row, and those that make room for it, the numbers of its place. Tell whether any changed.

    The place is counted from 0. What is beyond an end means the end.
    """
    after = [each for each in ordered if each.pk != moved.pk]
    after.insert(max(pinned, min(position, len(after))), moved)
    if [each.pk for each in after] == [each.pk for each in ordered]:
        return False
    _renumber(after, sorted(each.order for each in ordered))
    return True


def _renumber(rows: list[Row], orders: list[int]) -> None:
    """Give the numbers that are there to the rows in their new order."""
    for index in range(1, len(orders)):
        # Equal numbers would leave the order to the time of creation.
        orders[index] = max(orders[index], orders[index - 1] + 1)
    for each, order in zip(rows, orders, strict=True):
        if each.order != order:
            each.order = order
            each.save(update_fields=["order", "updated_at"])


def places(ordered: Sequence[Row], *, pinned: int = 0) -> list[Place[Row]]:
    """Return rows in their order with what a list says of moving each."""
    return [
        Place(
            row=each,
            pinned=position < pinned,
            movable=position >= pinned and len(ordered) - pinned > 1,
            first=position == pinned,
            last=position == len(ordered) - 1,
        )
        for position, each in enumerate(ordered)
    ]


def said_place(ordered: Sequence[Row], moved: Row, name: str) -> str:
    """Return the sentence that tells the new place of a row."""
    place = [each.pk for each in ordered].index(moved.pk) + 1
    return f"{name} is number {place} of {len(ordered)}."
