"""What one request and its processor have to say to each other: one call for the request and its answer together."""

from __future__ import annotations

from typing import NamedTuple

from gateway_runtime.fetching.service import AskedService
from gateway_runtime.policies.ext_proc_messages import METHOD, Immediate, Part, Parts, Patience, Said, read_answer

# Of one message of a processor, which may bring a whole body.
LARGEST_MESSAGE = 16 * 1024 * 1024
_LEAST_SECONDS = 0.001


class Processor(NamedTuple):
    """What all requests of a binding have in common.

    `parts` are shown where the processor does not say otherwise, which it may if `may_choose`. `first` comes with the
    first message. `most_seconds` is how much time for one message it may ask for.
    """

    service: AskedService
    parts: Parts
    may_choose: bool
    first: bytes
    seconds: float
    most_seconds: float


class Processing:
    """One request. `over`: nothing more is said about it, because one side or the other has ended the call.

    `parts` are those that are still to be shown as they come, `replacement` is the body of the message that is next.
    """

    __slots__ = ("_first", "_processor", "_talk", "over", "parts", "replacement")

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        self._talk = processor.service.talk(METHOD, limit=LARGEST_MESSAGE)
        self._first = processor.first
        self.over = False
        self.parts = processor.parts
        self.replacement: bytes | None = None

    async def ask(self, part: Part, shown: bytes) -> Said | Immediate | None:
        """Show a part and return what is to become of it, None where the call is over.

        Raises `FetchError` and `WireError`; it is over then, too.
        """
        message, self._first = shown + self._first, b""
        try:
            said = await self._ask(part, message)
        except BaseException:
            self.over = True
            self._talk.break_off()
            raise
        if said is None:
            self.over = True
        return said

    async def _ask(self, part: Part, message: bytes) -> Said | Immediate | None:
        processor, talk = self._processor, self._talk
        configured = processor.parts if processor.may_choose else None
        asked_for_time = False
        data = await talk.say(message, seconds=processor.seconds)
        while data is not None:
            said = read_answer(data, part, configured)
            if not isinstance(said, Patience):
                return said
            # Only once for a part: else it could ask for ever. What it may not have is as if not asked for.
            granted = not asked_for_time and _LEAST_SECONDS <= said.seconds <= processor.most_seconds
            asked_for_time = asked_for_time or granted
            data = await talk.hear(seconds=said.seconds if granted else None)
        return None

    def take(self, said: Said) -> None:
        """Remember what the processor wants to see from now on, and with what it replaces the body."""
        if said.parts is not None:
            self.parts = said.parts
        if said.whole:
            self.replacement = said.body

    def end(self) -> None:
        """Let go of the call. Where an answer is waited for nobody wants it any more."""
        self.over = True
        self._talk.end()
