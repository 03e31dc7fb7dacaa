"""What was changed last while answering this request and can be taken back: from the service to the toast."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offer:
    """The recorded change by its id, and how people call it."""

    event: str
    text: str


_made: ContextVar[Offer | None] = ContextVar("undo_offer", default=None)
TAG = "undo-"


def offer(event: str, text: str) -> None:
    """Note that a change can be taken back; of several in one request the last one is the whole."""
    _made.set(Offer(event, text))


def take() -> Offer | None:
    """Return what was noted, once."""
    found = _made.get()
    _made.set(None)
    return found
