"""Rows that were chosen on a list, kept for the pages that follow: an address could not hold hundreds of ids."""

from collections.abc import Iterable
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from django.http import HttpRequest

_KEY = "chosen_rows"
_KEPT = 5


def selection_keep(request: HttpRequest, ids: Iterable[Any]) -> str:
    """Keep ids for this browser and return the name under which they are found. Only the last few are kept."""
    kept = dict(request.session.get(_KEY, {}))
    name = token_urlsafe(9)
    kept[name] = [str(each) for each in ids]
    request.session[_KEY] = dict(list(kept.items())[-_KEPT:])
    return name


def selection_of(request: HttpRequest) -> list[UUID]:
    """Return the ids that the address of a page names: `?chosen=`, or `?instance=` for each."""
    kept = request.session.get(_KEY, {}).get(request.GET.get("chosen", ""), [])
    found = []
    for text in [*kept, *request.GET.getlist("instance")]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return list(dict.fromkeys(found))
