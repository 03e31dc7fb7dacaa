"""The folder that holds all state of one copy: made, locked, and filled with secrets at the first start."""

import base64
import fcntl
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from portal.cli.up.errors import StartError

FOLDERS = ("secrets", "logs", "run", "redis", "gateway", "demo", "jobs")


class Home:
    """One copy's folder, held by this process until it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name in FOLDERS:
                folder = path / name
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
            # Not inherited by the processes we start: the lock ends with this process, however it ends.
            self._lock = os.open(path / "run" / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(
                f"The folder {path} cannot be written ({error.strerror}). Make it writable or set PORTICO_HOME."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise StartError(
                f"Another Portico already runs in {path}. Stop it, or set PORTICO_HOME and the ports for a second copy."
            ) from error

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(48)) -> str:
        """Return a secret of this copy, made the first time it is asked for."""
        if not self.read(f"secrets/{name}"):
            self.write_private(f"secrets/{name}", make())
        return self.read(f"secrets/{name}")

    def write_private(self, name: str, text: str) -> Path:
        """Write a file that only this user can read, whole or not at all."""
        path = self.path / name
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return path

    def read(self, name: str) -> str:
        """Return what a file of this copy says, or an empty text when there is none."""
        path = self.path / name
        return path.read_text(encoding="utf-8").strip() if path.is_file() else ""

    def forget(self, name: str) -> None:
        """Remove a file of this copy."""
        (self.path / name).unlink(missing_ok=True)


def make_encryption_key() -> str:
    """Return a new Fernet key."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def make_password() -> str:
    """Return a password that a person can read and type."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))
