"""An exchange of an API whose policies have something to do when a request is over.

As with those that are traced, an exchange becomes one of these once its API is known to be such a one: another class of
the same object, so that the path of all other requests has no test and no call more.
"""

from __future__ import annotations

from gateway_runtime.http.exchange import Exchange
from gateway_runtime.http.traced import TracedExchange, TracedStreamExchange
from gateway_runtime.http2.exchange import StreamExchange
from gateway_runtime.log import log


class Ending(Exchange):
    """Tells policies of its end, once: when it is recorded, or when a tunnel takes its place."""

    __slots__ = ()

    def replaced(self) -> None:
        super().replaced()
        self._tell()

    def record(self) -> None:
        if not self.ended:
            super().record()
            self._tell()

    def _tell(self) -> None:
        context, api = self.context, self.api
        # Without a context no policy has been asked.
        if context is None or api is None or api.chain is None:
            return
        for ended in api.chain.ended:
            try:
                ended(context)
            except Exception as error:
                log.error("policy_failed", error=error, api=api.id)


class EndingExchange(Ending):
    """Over HTTP/1.1."""

    __slots__ = ()


class EndingStreamExchange(Ending, StreamExchange):
    """Over HTTP/2."""

    __slots__ = ()


class EndingTracedExchange(Ending, TracedExchange):
    """Over HTTP/1.1, traced."""

    __slots__ = ()


class EndingTracedStreamExchange(Ending, TracedStreamExchange):
    """Over HTTP/2, traced."""

    __slots__ = ()


_MINDFUL: dict[type[Exchange], type[Exchange]] = {
    Exchange: EndingExchange,
    StreamExchange: EndingStreamExchange,
    TracedExchange: EndingTracedExchange,
    TracedStreamExchange: EndingTracedStreamExchange,
}


def mind_the_end(exchange: Exchange) -> None:
    """Let policies be told of the end of an exchange that has just begun."""
    exchange.__class__ = _MINDFUL[type(exchange)]  # type: ignore[assignment]
