"""Locking the row of an object, so that what is compared with it is still true when it is written."""

from typing import Any


def row_lock(target: Any) -> None:
    """Hold the object's row until the transaction ends; the row it is edited through, if there is one, before it.

    A model names that one by `locked_through`: a part that the form of the whole shows too.
    """
    through = getattr(type(target), "locked_through", "")
    if through:
        row_lock(getattr(target, through))
    # Evaluated for the lock alone: whoever needs the row reads it again by their own queryset.
    list(type(target)._base_manager.select_for_update().filter(pk=target.pk).values_list("pk"))
