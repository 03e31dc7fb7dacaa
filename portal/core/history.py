"""Who changed something lately, told by whichever app records it. `core` asks, the audit trail answers."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class PastChange:
    """One recorded change."""

    who: str
    when: datetime.datetime
    what: str


# Takes an object and a time or None; returns what was changed since then, the newest first.
Source = Callable[[Any, datetime.datetime | None], list[PastChange]]

_sources: list[Source] = []


def register(source: Source) -> None:
    """Let `source` answer from now on, instead of the one before."""
    _sources[:] = [source]


def changes_of(target: Any, since: datetime.datetime | None = None) -> list[PastChange]:
    """Return the latest changes of an object, those after `since` where it is given; the newest first."""
    return _sources[0](target, since) if _sources else []
