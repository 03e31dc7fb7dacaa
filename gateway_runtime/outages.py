"""Says in the log when something that policies need fails, and when it is back, but not for each request."""

from __future__ import annotations

from typing import Any

from gateway_runtime.clock import Clock
from gateway_runtime.log import log

LOG_AGAIN_SECONDS = 60.0


class Outage:
    """The story of one directory or authorizer: events `NAME_failed` with a code, and `NAME_back`."""

    __slots__ = ("_clock", "_code", "_name", "_said", "_sentence", "_told", "failing")

    def __init__(self, name: str, clock: Clock, sentence: str, **said: Any) -> None:
        self._name = name
        # Of what operators are told, with {code}.
        self._sentence = sentence
        self._code = ""
        self._clock = clock
        self._said = said
        self._told = -LOG_AGAIN_SECONDS
        self.failing = False

    def failed(self, code: str) -> None:
        """It could not be used. `code` says why."""
        self.failing = True
        self._code = code
        now = self._clock()
        if now >= self._told + LOG_AGAIN_SECONDS:
            self._told = now
            log.warning(f"{self._name}_failed", **self._said, code=code)

    def notice(self) -> tuple[bool, str] | None:
        """Return what operators are told while it fails."""
        return (False, self._sentence.replace("{code}", self._code)) if self.failing else None

    def worked(self) -> None:
        """It could."""
        if self.failing:
            self.failing, self._told = False, -LOG_AGAIN_SECONDS
            log.info(f"{self._name}_back", **self._said)
