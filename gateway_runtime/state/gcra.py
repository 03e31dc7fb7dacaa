"""A sliding window by the generic cell rate algorithm: what is used comes back one by one, evenly.

A key has one number, how far ahead of the clock it is: 0 is rested, and each request adds the period divided by the
maximum. A request passes when that stays within the period. So after a rest the whole maximum passes at once, and from
then on one request each time a maximum-th of the period has gone by.

Everything is counted in whole microseconds and in parts of one, of which a microsecond has as many as the maximum:
so nothing is rounded, and the script in Redis (`scripts.TAKE`) says the same to the last one.
"""

from __future__ import annotations

from typing import NamedTuple

MICROSECONDS = 1_000_000


class Rate(NamedTuple):
    """A maximum in a period: one request is `step` microseconds and `parts` of one."""

    maximum: int
    period: int
    step: int
    parts: int

    @classmethod
    def of(cls, maximum: int, seconds: float) -> Rate:
        """Return the rate of so many requests in so many seconds."""
        period = round(seconds * MICROSECONDS)
        return cls(maximum, period, *divmod(period, maximum))

    def after(self, ahead: int, parts: int) -> tuple[int, int]:
        """Return how far ahead a key is after one request more."""
        ahead += self.step
        parts += self.parts
        return (ahead + 1, parts - self.maximum) if parts >= self.maximum else (ahead, parts)

    def fits(self, ahead: int, parts: int) -> bool:
        """Tell whether a key may be so far ahead."""
        return ahead < self.period or (ahead == self.period and not parts)

    def remaining(self, ahead: int, parts: int) -> int:
        """Return how many requests would pass at once."""
        return max(0, ((self.period - ahead) * self.maximum - parts) // self.period)

    def wait(self, ahead: int, parts: int) -> float:
        """Return in how many seconds one request passes; 0 where it does now."""
        ahead, parts = self.after(ahead, parts)
        return 0.0 if self.fits(ahead, parts) else (ahead - self.period + (1 if parts else 0)) / MICROSECONDS
