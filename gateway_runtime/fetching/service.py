"""Services that policies ask about requests, such as authorizers: on kept connections, whole answers."""

from __future__ import annotations

from collections.abc import Iterable

from gateway_runtime.fetching.client import FetchError
from gateway_runtime.fetching.url import Url
from gateway_runtime.grpc.call import call
from gateway_runtime.grpc.conversation import Conversation
from gateway_runtime.grpc.framing import CallFailed
from gateway_runtime.schema.document import Service, Target
from gateway_runtime.upstream.asking import Answered, ask
from gateway_runtime.upstream.errors import UpstreamError
from gateway_runtime.upstream.pool import Pool
from gateway_runtime.upstream.registry import PoolRegistry


class AskedService:
    """One service. Its addresses are judged and the forward proxy is passed as with those behind APIs."""

    __slots__ = ("pool",)

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def finding(self) -> str | None:
        """Return what its active check has found last: empty for nothing wrong, None before the first time."""
        health = self.pool.targets[0].health
        return None if health is None else health.finding

    async def ask(
        self,
        method: bytes,
        path: bytes,
        lines: Iterable[bytes],
        body: bytes = b"",
        *,
        seconds: float,
        limit: int,
        host: bytes = b"",
    ) -> Answered:
        """Ask and return the answer, whatever its status. Raises `FetchError`. See `upstream/asking`."""
        try:
            return await ask(self.pool, method, path, lines, body, seconds=seconds, limit=limit, host=host)
        except UpstreamError as error:
            raise _told(error) from None

    async def call(self, method: bytes, message: bytes, *, seconds: float, limit: int) -> bytes:
        """Make a call of gRPC with one message each way. Raises `FetchError`."""
        try:
            return await call(self.pool, method, message, seconds=seconds, limit=limit)
        except (UpstreamError, CallFailed) as error:
            raise _told(error) from None

    def talk(self, method: bytes, *, limit: int) -> Talk:
        """Return a call of gRPC with messages both ways, which begins with the first of them."""
        return Talk(Conversation(self.pool, method, limit=limit))


class Talk:
    """Messages both ways, in turns. See `grpc/conversation`."""

    __slots__ = ("_conversation",)

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    @property
    def over(self) -> bool:
        """Whether one side or the other has ended it."""
        return self._conversation.over

    async def say(self, message: bytes, *, seconds: float) -> bytes | None:
        """Send a message and return the answer to it, None where the call is over. Raises `FetchError`."""
        try:
            return await self._conversation.say(message, seconds=seconds)
        except (UpstreamError, CallFailed) as error:
            raise _told(error) from None

    async def hear(self, *, seconds: float | None = None) -> bytes | None:
        """Return one more answer, in `seconds` or in the time that is left for the one before. As `say`."""
        try:
            return await self._conversation.hear(seconds=seconds)
        except (UpstreamError, CallFailed) as error:
            raise _told(error) from None

    def end(self) -> None:
        """Say that no more is sent. Where an answer is waited for it is not wanted any more."""
        self._conversation.end()

    def break_off(self) -> None:
        """End it at once."""
        self._conversation.break_off()


def _told(error: UpstreamError | CallFailed) -> FetchError:
    if isinstance(error, CallFailed):
        return FetchError(f"grpc_status_{error.status}")
    return FetchError(error.response.code.removeprefix("upstream_"))


class AskedServices:
    """Every service that a worker's policies ask. Which of them are kept is decided with the pools of APIs."""

    def __init__(self, pools: PoolRegistry | None = None) -> None:
        self._pools = PoolRegistry() if pools is None else pools

    def get(self, service: Service) -> AskedService:
        """Return a service by its settings. Raises `ConfigFault`."""
        return AskedService(self._pools.get(service))

    def at(self, url: Url) -> AskedService:
        """Return the service at a URL, which may be known only when it is asked.

        Its connections are kept until the next revision.
        """
        return self.get(
            Service(
                id=f"asked {url.scheme}://{url.host}:{url.port}",
                name=url.authority,
                targets=[Target(host=url.host, port=url.port)],
                scheme=url.scheme,
            )
        )
