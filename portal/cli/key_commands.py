"""`portico keys`: the keys that encrypt secrets at rest."""

import os
import tempfile
from pathlib import Path

import click

from portal.cli.management import manage

_ENVIRONMENT = "PORTICO_KEY_RING"


@click.group()
def keys() -> None:
    """Replace the key that encrypts secrets at rest."""


@keys.command()
def add() -> None:
    """Put a new key in front of the ring. Everything is still readable with the others."""
    from cryptography.fernet import Fernet

    path, made = _ring_file(), Fernet.generate_key().decode()
    _write(path, [made, *_read(path)])
    click.echo(
        f"A new key is the first one of {path}. Restart the portal and its jobs, then run `portico keys rotate`."
    )


@keys.command()
def rotate() -> None:
    """Encrypt every secret with the newest key. Can be stopped and run again."""
    manage("rotate_keys")


@keys.command()
def check() -> None:
    """Tell how many secrets still need an older key."""
    manage("rotate_keys", "--check")


@keys.command()
def drop() -> None:
    """Remove all keys but the newest from the ring, once nothing needs them."""
    path = _ring_file()
    ring = _read(path)
    manage("rotate_keys", "--check")
    _write(path, ring[:1])
    click.echo(f"{len(ring) - 1} older keys are removed from {path}. Restart the portal and its jobs.")


def _ring_file() -> Path:
    """Return the file of the ring. Raises `ClickException` where it is not in a file."""
    from portal.cli.up.settings import home_folder

    if os.environ.get(_ENVIRONMENT):
        raise click.ClickException(
            f"The ring is in {_ENVIRONMENT}, not in a file. Change it there: keys with white space between them, "
            "the newest first."
        )
    path = Path(os.environ.get(f"{_ENVIRONMENT}_FILE") or home_folder() / "secrets" / "key_ring")
    if not path.is_file():
        raise click.ClickException(f"There is no key ring at {path}. Is PORTICO_HOME the one of this installation?")
    return path


def _read(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").split()


def _write(path: Path, ring: list[str]) -> None:
    """Replace the file in one step: a ring that is half written would make every secret unreadable."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("\n".join(ring) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
