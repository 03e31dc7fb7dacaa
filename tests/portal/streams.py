"""The stream commands of Redis that the portal uses to take over what gateways send, over lists."""

from typing import Any

Entry = tuple[bytes, dict[bytes, bytes]]


def number(entry: str | bytes) -> int:
    """Return the number of an entry's id; “-” is the lowest."""
    text = entry.decode() if isinstance(entry, bytes) else entry
    return int(text.lstrip("(").partition("-")[0] or 0)


class FakeStreams:
    """Streams by name. Ids are counted over all of them."""

    def __init__(self) -> None:
        self.streams: dict[str, list[Entry]] = {}
        self.added = 0

    def add(self, name: str, fields: dict[bytes, bytes]) -> None:
        """Append an entry, as XADD does."""
        self.added += 1
        self.streams.setdefault(name, []).append((b"%d-0" % self.added, fields))

    def xrange(self, name: str, low: str, high: str, count: int) -> list[Entry]:
        """Return entries from `low` on; with “(” before it, those after it."""
        first = number(low) + low.startswith("(")
        return [entry for entry in self.streams.get(name, []) if number(entry[0]) >= first][:count]

    def xtrim(self, name: str, minid: str) -> None:
        """Remove what is older than an id."""
        self.streams[name] = [entry for entry in self.streams[name] if number(entry[0]) >= number(minid)]

    def xdel(self, name: str, *ids: bytes) -> None:
        """Remove entries."""
        self.streams[name] = [entry for entry in self.streams[name] if entry[0] not in ids]

    def pipeline(self, transaction: bool) -> "FakePipeline":
        """Return what collects commands."""
        assert not transaction
        return FakePipeline(self)


class FakePipeline:
    """Commands that are answered together."""

    def __init__(self, streams: FakeStreams) -> None:
        self._streams = streams
        self._commands: list[Any] = []

    def __enter__(self) -> "FakePipeline":
        return self

    def __exit__(self, *error: object) -> None:
        self._commands = []

    def __getattr__(self, name: str) -> Any:
        command = getattr(self._streams, name)
        return lambda *given, **named: self._commands.append(lambda: command(*given, **named))

    def execute(self) -> list[Any]:
        """Answer all of them."""
        return [command() for command in self._commands]
