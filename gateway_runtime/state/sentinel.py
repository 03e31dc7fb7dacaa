"""Where the Redis is that may be written to, as Sentinels say it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import RedisError

from gateway_runtime.tasks import cancel, spawn

Address = tuple[str, int]


class Masters:
    """Asks all Sentinels at once: one that hangs or knows nothing keeps nobody waiting for the others."""

    def __init__(self, addresses: Sequence[Address], name: str, make: Callable[[Address], AbstractConnection]) -> None:
        self._addresses = tuple(addresses)
        self._name = name
        self._make = make

    async def find(self) -> Address:
        """Return where the master is now. Raises an error of Redis where no Sentinel can tell."""
        asking = [spawn("sentinel", self._ask(address)) for address in self._addresses]
        try:
            for each in asyncio.as_completed(asking):
                found: Address | None = await each
                if found is not None:
                    return found
        finally:
            await cancel(*asking)
        raise NotConnected(f"No Sentinel says where “{self._name}” is.")

    async def _ask(self, address: Address) -> Address | None:
        connection = self._make(address)
        try:
            await connection.connect()
            await connection.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)
            answer = await connection.read_response()
        except (RedisError, OSError):
            return None
        finally:
            await connection.disconnect(nowait=True)
        return (answer[0].decode(), int(answer[1])) if answer else None


class _ToMaster:
    """Before a connection is made, it is found out where to."""

    masters: Masters

    async def connect(self) -> None:
        """Find the master and connect to it."""
        self.host, self.port = await self.masters.find()
        await super().connect()  # type: ignore[misc]


class MasterConnection(_ToMaster, Connection):
    """A connection to the master in plain text."""


class SecureMasterConnection(_ToMaster, SSLConnection):
    """A connection to the master with TLS."""
