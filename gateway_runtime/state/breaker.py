"""Whether it makes sense to ask: after several failures nobody does, until a trial in the background succeeds."""

from collections import deque
from enum import StrEnum

from gateway_runtime.clock import Clock
from gateway_runtime.log import log

FAILURES = 3
WITHIN_SECONDS = 10.0
FIRST_TRIAL_SECONDS = 0.25
TRIAL_SECONDS = 2.0


class BreakerState(StrEnum):
    """Closed: asked as usual. Open: not asked. Half open: a trial is under way."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens after three failures within ten seconds. It begins open: the first connection is made in the background."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=FAILURES)
        self._told_away = False
        self.state = BreakerState.OPEN
        # How long to wait before the next trial.
        self.pause = 0.0

    @property
    def closed(self) -> bool:
        """Tell whether to ask."""
        return self.state is BreakerState.CLOSED

    def failed(self, reason: str) -> None:
        """A call has failed."""
        now = self._clock()
        self._failures.append(now)
        if self.closed and (len(self._failures) < FAILURES or self._failures[0] < now - WITHIN_SECONDS):
            return
        if self.state is not BreakerState.CLOSED:
            self.pause = min(max(self.pause * 2, FIRST_TRIAL_SECONDS), TRIAL_SECONDS)
        else:
            self.pause = FIRST_TRIAL_SECONDS
        self.state = BreakerState.OPEN
        if not self._told_away:
            self._told_away = True
            log.warning("shared_storage_away", use=self._name, reason=reason)

    def trying(self) -> None:
        """A trial begins."""
        self.state = BreakerState.HALF_OPEN

    def answered(self) -> None:
        """A trial has succeeded."""
        self._failures.clear()
        self.pause = 0.0
        self.state = BreakerState.CLOSED
        if self._told_away:
            self._told_away = False
            log.info("shared_storage_back", use=self._name)
