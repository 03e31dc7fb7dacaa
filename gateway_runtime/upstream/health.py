"""What is remembered of a target's failures: it outlives connections, pools and revisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from gateway_runtime.clock import Clock, monotonic
from gateway_runtime.log import log
from gateway_runtime.schema.upstream import HealthCheck, Outliers

# A service and one of its targets: the same one in every revision.
Key = tuple[str, str, int]
# Ejected this often in a row, a target stays out as long as can be.
_DOUBLINGS = 20


class HealthRow(NamedTuple):
    """One target as metrics and the admin pages show it."""

    service: str
    name: str
    target: str
    state: str


class TargetHealth:
    """One target of one service. It is passed over while it is `down`, for either of two reasons.

    `unhealthy`: it has failed its active checks. `ejected_until` (not 0): requests have failed.
    """

    __slots__ = ("_book", "_checks", "connect_failures", "ejected_until", "ejections", "failures", "finding", "key",
                 "name", "on_trial", "restored_at", "unhealthy", "watchers")  # fmt: skip

    def __init__(self, book: HealthBook, key: Key, name: str) -> None:
        self._book = book
        self.key = key
        self.name = name
        self.unhealthy = False
        # What was wrong when it was checked last, empty for nothing; None before the first time.
        self.finding: str | None = None
        self.failures = 0
        self.connect_failures = 0
        self.on_trial = False
        self.ejections = 0
        self.ejected_until = 0.0
        self.restored_at = 0.0
        # Checks in a row that said the opposite of what is thought of it.
        self._checks = 0
        self.watchers: list[Callable[[], None]] = []

    @property
    def down(self) -> bool:
        """Tell whether others are asked instead."""
        return self.unhealthy or self.ejected_until > 0

    @property
    def state(self) -> str:
        """Return the one word for it."""
        return "unhealthy" if self.unhealthy else "ejected" if self.ejected_until else "healthy"

    @property
    def target(self) -> str:
        """Return host and port."""
        return f"{self.key[1]}:{self.key[2]}"

    # What requests tell

    def failed(self, limit: int) -> bool:
        """Count a failed request. Tell whether that is reason enough to pass the target over."""
        self.failures += 1
        return self.on_trial or self.failures >= limit

    def connect_failed(self, limit: int) -> bool:
        """Count a connection that could not be had. Tell whether that is reason enough to pass the target over."""
        self.connect_failures += 1
        return self.on_trial or self.connect_failures >= limit

    def succeeded(self) -> None:
        """A request has been answered."""
        self.failures = 0
        self.on_trial = False

    def eject(self, settings: Outliers, reason: str) -> None:
        """Pass it over for a while: each time in a row twice as long."""
        now = self._book.clock()
        if now - self.restored_at > self._span(settings, self.ejections):
            # It was good for longer than it was out, so this is a new story.
            self.ejections = 0
        self.ejections += 1
        seconds = self._span(settings, self.ejections)
        self.ejected_until = now + seconds
        self._book.ejected.add(self)
        log.warning("target_ejected", service=self.name, target=self.target, reason=reason, seconds=seconds)
        self._changed()

    def _span(self, settings: Outliers, times: int) -> float:
        return min(settings.base_seconds * 2.0 ** min(max(times - 1, 0), _DOUBLINGS), settings.max_seconds)

    def restore(self) -> None:
        """Let it have requests again. Until the first of them succeeds, one failure is enough to eject it anew."""
        self.ejected_until = 0.0
        self.restored_at = self._book.clock()
        self.failures = self.connect_failures = 0
        self.on_trial = True
        log.info("target_restored", service=self.name, target=self.target)
        self._changed()

    # What checks tell

    def checked(self, settings: HealthCheck, failure: str) -> None:
        """Take the result of one active check: empty, or the code of what was wrong."""
        self.finding = failure
        if bool(failure) == self.unhealthy:
            self._checks = 0
            return
        self._checks += 1
        if self._checks < (settings.unhealthy_after if failure else settings.healthy_after):
            return
        self._checks = 0
        self.unhealthy = bool(failure)
        if failure:
            log.warning("target_unhealthy", service=self.name, target=self.target, reason=failure)
        else:
            log.info("target_healthy", service=self.name, target=self.target)
        self._changed()

    def unchecked(self) -> None:
        """Nobody checks it any more: what checks said of it is void."""
        self._checks = 0
        self.finding = None
        if self.unhealthy:
            self.unhealthy = False
            self._changed()

    def _changed(self) -> None:
        self._book.changed = True
        for tell in list(self.watchers):
            tell()


class HealthBook:
    """The memory of one worker. `changed` tells that `rows` says something new."""

    __slots__ = ("_known", "changed", "clock", "ejected")

    def __init__(self, clock: Clock = monotonic) -> None:
        self.clock = clock
        self.changed = False
        self.ejected: set[TargetHealth] = set()
        self._known: dict[Key, TargetHealth] = {}

    def of(self, key: Key, name: str) -> TargetHealth:
        """Return what is known of a target."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = TargetHealth(self, key, name)
            self.changed = True
        return found

    def sweep(self, now: float) -> None:
        """Restore what has been out for long enough."""
        if self.ejected:
            for health in [each for each in self.ejected if each.ejected_until <= now]:
                self.ejected.discard(health)
                health.restore()

    def retain(self, known: Iterable[Key], checked: Iterable[Key]) -> None:
        """Forget every target that is not one of these, and what checks said of those that are not checked now."""
        kept, asked = {*known}, {*checked}
        for key in self._known.keys() - kept:
            self.ejected.discard(self._known.pop(key))
            self.changed = True
        for key, health in self._known.items():
            if key not in asked:
                health.unchecked()

    def rows(self) -> list[HealthRow]:
        """Return all that is known."""
        return [HealthRow(each.key[0], each.name, each.target, each.state) for each in self._known.values()]
