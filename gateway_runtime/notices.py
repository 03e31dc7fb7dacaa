"""What policies have to say of things that they need or watch: read now and then, and told where it has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from gateway_runtime.clock import Clock, time
from gateway_runtime.schema.replica import Notice

# Returns whether all is well and a sentence, or None where there is nothing to say.
Report = Callable[[], tuple[bool, str] | None]

# A gateway tells of no more than these, the bad ones first.
MOST = 500


class Reported(NamedTuple):
    """Where a report comes from."""

    api: str
    binding: str
    policy: str
    read: Report


class NoticeBook:
    """The notices of one worker."""

    __slots__ = ("_now", "_reports", "_told")

    def __init__(self, now: Clock = time) -> None:
        self._now = now
        self._reports: tuple[Reported, ...] = ()
        self._told: list[Notice] = []

    def use(self, reports: Iterable[Reported]) -> None:
        """Read these from now on."""
        self._reports = tuple(reports)

    def take(self) -> list[Notice] | None:
        """Return all notices where one has changed since the last time, else None."""
        if not self._reports and not self._told:
            return None
        before = {(each.api, each.binding, each.good, each.text): each for each in self._told}
        found = []
        for api, binding, policy, read in self._reports:
            said = read()
            if said is not None:
                good, text = said
                known = before.get((api, binding, good, text))
                if known is None:
                    known = Notice(
                        api=api, binding=binding, policy=policy, good=good, text=text, since=self._now()
                    )  # fmt: skip
                found.append(known)
        if found == self._told:
            return None
        self._told = found
        return found


def merged(workers: Iterable[Iterable[Notice]]) -> list[Notice]:
    """Return the notices of several workers as one: of each binding the bad ones, and those that began first."""
    found: dict[tuple[str, str], Notice] = {}
    for notice in sorted((each for notices in workers for each in notices), key=lambda each: (each.good, each.since)):
        found.setdefault((notice.api, notice.binding), notice)
    return list(found.values())[:MOST]
