"""As much of Redis as publishing uses, in memory, with a switch for “away” and a record of what was announced."""

from typing import Any

import redis


class FakeRedis:
    """Strings, hashes and transactions. While `away` is set, everything fails as a lost connection does."""

    def __init__(self) -> None:
        self.strings: dict[str, bytes] = {}
        self.hashes: dict[str, dict[str, bytes]] = {}
        self.announced: list[tuple[str, str]] = []
        self.away = False
        # Called between WATCH and EXEC of the next transaction: what another publisher does meanwhile.
        self.meanwhile: Any = None

    def _here(self) -> None:
        if self.away:
            raise redis.ConnectionError("away")

    def ping(self) -> bool:
        self._here()
        return True

    def get(self, name: str) -> bytes | None:
        self._here()
        return self.strings.get(name)

    def set(self, name: str, value: Any) -> None:
        self.strings[name] = value if isinstance(value, bytes) else str(value).encode()

    def exists(self, name: str) -> int:
        return int(name in self.strings)

    def delete(self, *names: str) -> None:
        for name in names:
            self.strings.pop(name, None)

    def hvals(self, name: str) -> list[bytes]:
        self._here()
        return list(self.hashes.get(name, {}).values())

    def publish(self, channel: str, message: str) -> None:
        self.announced.append((channel, message))

    def pipeline(self, transaction: bool = True) -> "FakePipeline":
        return FakePipeline(self)


class FakePipeline:
    """Commands that run together at `execute`, or not at all."""

    def __init__(self, server: FakeRedis) -> None:
        self.server = server
        self.commands: list[Any] = []
        self.watched: dict[str, bytes | None] = {}

    def __enter__(self) -> "FakePipeline":
        return self

    def __exit__(self, *error: object) -> None:
        self.commands = []

    def watch(self, name: str) -> None:
        self.watched[name] = self.server.get(name)

    def multi(self) -> None:
        self.commands = []

    def __getattr__(self, name: str) -> Any:
        command = getattr(self.server, name)
        if self.watched and name == "get":
            return command
        return lambda *arguments: self.commands.append((command, arguments))

    def execute(self) -> list[Any]:
        self.server._here()
        if self.server.meanwhile:
            meanwhile, self.server.meanwhile = self.server.meanwhile, None
            meanwhile()
        changed = any(self.server.get(name) != value for name, value in self.watched.items())
        self.watched = {}
        if changed:
            raise redis.WatchError
        return [command(*arguments) for command, arguments in self.commands]
