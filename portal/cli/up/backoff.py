"""How long to wait before a failed process is started again."""

FIRST_S = 0.5
LONGEST_S = 30.0
# A process that has run for so long had recovered; its next failure is a new one.
RECOVERED_AFTER_S = 60.0


class BackOff:
    """Twice as long after each failure, until the process has stayed up for a while."""

    def __init__(self, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    def after(self, lifetime_s: float) -> float:
        """Return the wait after a process that has lived for so long."""
        if lifetime_s >= RECOVERED_AFTER_S:
            self._next_s = self._first_s
        delay = self._next_s
        self._next_s = min(delay * 2, self._longest_s)
        return delay
