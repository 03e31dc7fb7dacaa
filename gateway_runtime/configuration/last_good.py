"""The last good revision on disk, still sealed: what a gateway starts from while Redis is away."""

import os
from contextlib import suppress
from pathlib import Path


class LastGood:
    """One file with the newest envelope that every worker has applied."""

    def __init__(self, state: Path) -> None:
        self._path = state / "last_good.bin"

    def load(self) -> bytes | None:
        """Return the envelope, or None when there is none."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    def forget(self) -> None:
        """Keep nothing: what is there may not be served any more."""
        self._path.unlink(missing_ok=True)

    def save(self, envelope: bytes) -> None:
        """Replace the envelope: after a crash at any moment the old or the new one is there, whole."""
        # With the number of the process: while one takes over from another, both save.
        temporary = self._path.with_suffix(f".{os.getpid()}.new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(envelope)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
