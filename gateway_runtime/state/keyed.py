"""A bounded table of what is known of each key."""

from typing import ClassVar, Generic, TypeVar

Entry = TypeVar("Entry")

SWEEP_SECONDS = 1.0
_OVERFLOW = "\0overflow"


class Keyed(Generic[Entry]):
    """Entries by key, at most so many; further keys share one entry until others have ended."""

    KEY_LIMIT: ClassVar[int] = 100_000

    __slots__ = ("_entries", "_key_limit", "_next_sweep")

    def __init__(self, key_limit: int) -> None:
        self._entries: dict[str, Entry] = {}
        self._key_limit = key_limit
        self._next_sweep = 0.0

    def _make(self, key: str) -> Entry:
        raise NotImplementedError

    def _ended(self, entry: Entry, now: float) -> bool:
        raise NotImplementedError

    def _open(self, key: str, now: float) -> Entry:
        """Return the entry of a key that has none."""
        if len(self._entries) >= self._key_limit:
            # At most one sweep a second: callers who make up new keys must not buy a scan with each request.
            if now >= self._next_sweep:
                self._next_sweep = now + SWEEP_SECONDS
                # In place, because others may have the same table.
                for ended in [k for k, entry in self._entries.items() if self._ended(entry, now)]:
                    del self._entries[ended]
            if len(self._entries) >= self._key_limit:
                # Forgetting a live entry instead would hand its owner a fresh quota.
                key = _OVERFLOW
                if (shared := self._entries.get(key)) is not None:
                    return shared
        opened = self._entries[key] = self._make(key)
        return opened

    def __len__(self) -> int:
        return len(self._entries)
