"""The folder in which one gateway replica keeps what must outlive it."""

import fcntl
import os
import uuid
from pathlib import Path


class StateFolderError(Exception):
    """The folder cannot be used. The message is one sentence for the operator."""


class StateFolder:
    """A folder of mode 0700 that belongs to one running replica at a time."""

    def __init__(self, path: Path, lock: int | None = None) -> None:
        """Take the folder. `lock` is the descriptor of the lock where it was handed over by who held it before."""
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if lock is not None and os.path.samestat(os.fstat(lock), os.stat(path / "lock")):
                # The same open file, so the lock is held without a moment's pause.
                self.lock = lock
                return
            self.lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StateFolderError(
                f"The state folder {path} cannot be written: {error.strerror}. Choose another one with --state."
            ) from error
        try:
            # Held until the process ends, however it ends.
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StateFolderError(
                f"The state folder {path} is used by another running gateway. Give each its own with --state."
            ) from error

    def close(self) -> None:
        """Free the folder for another gateway."""
        os.close(self.lock)

    def replica_id(self) -> str:
        """Return this replica's id, the same after each restart."""
        file = self.path / "replica_id"
        try:
            known = file.read_text().strip()
            if len(known) == 32 and known.isalnum():
                return known
        except (FileNotFoundError, UnicodeDecodeError):
            pass
        made = uuid.uuid4().hex
        file.write_text(made + "\n")
        return made
