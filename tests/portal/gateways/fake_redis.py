"""As much of Redis as the access of gateways uses, in memory."""

from typing import Any

from gateway_runtime.schema import keys


class FakeRedis:
    """Users with their rules, strings, one hash, and what was announced. It may refuse everything."""

    def __init__(self) -> None:
        self.users: dict[str, tuple[str, ...]] = {}
        self.strings: dict[str, bytes] = {}
        self.stamps: dict[str, str] = {}
        self.killed: list[str] = []
        self.announced: list[str] = []
        self.saved = 0
        self.refuses: Exception | None = None

    def execute_command(self, *command: str) -> Any:
        """Do what concerns users."""
        self._here()
        if command == ("ACL", "USERS"):
            return [user.encode() for user in self.users]
        if command == ("ACL", "SAVE"):
            self.saved += 1
        elif command[:2] == ("ACL", "SETUSER"):
            assert command[3] == "reset"
            self.users[command[2]] = command[3:]
        else:
            assert command[:3] == ("CLIENT", "KILL", "USER"), command
            self.killed.append(command[3])
        return None

    def get(self, name: str) -> bytes | None:
        self._here()
        return self.strings.get(name)

    def set(self, name: str, value: bytes) -> None:
        self.strings[name] = value

    def publish(self, channel: str, message: str) -> None:
        self.announced.append(channel)

    def hgetall(self, name: str) -> dict[bytes, bytes]:
        assert name == keys.access()
        return {user.encode(): stamp.encode() for user, stamp in self.stamps.items()}

    def hset(self, name: str, field: str, value: str) -> None:
        assert name == keys.access()
        self.stamps[field] = value

    def pipeline(self, transaction: bool) -> "FakePipeline":
        return FakePipeline(self)

    def _here(self) -> None:
        if self.refuses:
            raise self.refuses


class FakePipeline:
    """Commands that are done together."""

    def __init__(self, server: FakeRedis) -> None:
        self._server = server
        self._commands: list[Any] = []

    def __enter__(self) -> "FakePipeline":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        command = getattr(self._server, name)
        return lambda *given: self._commands.append(lambda: command(*given))

    def execute(self) -> list[Any]:
        return [command() for command in self._commands]
