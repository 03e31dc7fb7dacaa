"""What a replica tells the portal of its targets: each with the worst that any worker thinks of it, so many at most."""

from collections.abc import Iterable, Sequence

from gateway_runtime.control import TargetState
from gateway_runtime.schema.replica import TargetHealth

# A gateway tells of no more than these, those that are not well first.
MOST = 500
_WORST = {"unhealthy": 0, "ejected": 1, "healthy": 2}


class TargetReport:
    """The report of one replica, made anew only when a worker has told something new."""

    def __init__(self) -> None:
        self._told: list[Sequence[TargetState]] = []
        self._made: list[TargetHealth] = []

    def of(self, workers: Iterable[Sequence[TargetState]]) -> list[TargetHealth]:
        """Return what workers think of their targets. What one has told last is the same object until it tells anew."""
        told = list(workers)
        if len(told) != len(self._told) or any(new is not old for new, old in zip(told, self._told, strict=True)):
            self._told, self._made = told, _summed(told)
        return self._made


def _summed(workers: Iterable[Iterable[TargetState]]) -> list[TargetHealth]:
    found: dict[tuple[str, str], str] = {}
    for state in (each for worker in workers for each in worker):
        place = state.service, state.target
        if place not in found or _WORST[state.state] < _WORST[found[place]]:
            found[place] = state.state
    ordered = sorted(found.items(), key=lambda each: (_WORST[each[1]], each[0]))
    return [TargetHealth(service=service, target=target, state=state) for (service, target), state in ordered[:MOST]]
