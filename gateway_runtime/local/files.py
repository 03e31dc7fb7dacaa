"""The files of a configuration: which there are, and whether they have changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gateway_runtime.local.faults import FileFault

SUFFIXES = (".yaml", ".yml")
FILE_BYTES = 32 * 1024 * 1024


class FolderError(Exception):
    """The place of the configuration cannot be used. The message is one sentence for the operator."""


class Stamp(NamedTuple):
    """What tells one state of a file from another. An editor that replaces the file changes at least the inode."""

    name: str
    modified_ns: int
    size: int
    inode: int


def list_files(root: Path) -> list[tuple[str, Path]]:
    """Return name (relative to the folder) and path of each file, sorted by name. Raises `FileFault`.

    Names that begin with a dot are left out: they belong to editors, version control and Kubernetes.
    """
    if root.is_file():
        return [(root.name, root)]
    if not root.is_dir():
        raise FileFault(str(root), 0, "", "There is no such file or folder.", "files_unreadable")
    return sorted((path.relative_to(root).as_posix(), path) for path in _walk(root, frozenset()))


def _walk(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in above:
        # A link to a folder above would go round for ever.
        return
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry in found if not entry.name.startswith(".")]
    except OSError as error:
        raise FileFault(
            str(folder), 0, "", f"The folder cannot be read: {error.strerror}.", "files_unreadable"
        ) from error
    for entry in entries:
        if entry.is_dir():
            yield from _walk(Path(entry.path), above | {real})
        elif entry.name.endswith(SUFFIXES):
            yield Path(entry.path)


def stamps(root: Path) -> tuple[Stamp, ...]:
    """Return the state of all files. What cannot be looked at is left out: reading it will say why."""
    found = []
    try:
        for name, path in list_files(root):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append(Stamp(name, status.st_mtime_ns, status.st_size, status.st_ino))
    except FileFault:
        return ()
    return tuple(found)


def read_files(root: Path) -> list[tuple[str, bytes]]:
    """Return name and content of each file. Raises `FileFault`."""
    return [(name, _read(name, path)) for name, path in list_files(root)]


def _read(name: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise FileFault(name, 0, "", f"The file cannot be read: {error.strerror}.", "files_unreadable") from error
    if len(content) > FILE_BYTES:
        raise FileFault(name, 0, "", f"The file is larger than {FILE_BYTES // 1024**2} MB.", "too_large")
    return content
