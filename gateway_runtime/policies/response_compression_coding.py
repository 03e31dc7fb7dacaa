"""The codings an answer can be compressed with, and which of them a caller prefers (RFC 9110 section 12.5.3)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from typing import Protocol

import brotli
import zstandard

# So much of what came before is looked at. Larger windows gain little, and each answer under way holds one.
_BROTLI_WINDOW_BITS = 18
_ZSTD_WINDOW_BITS = 19
_GZIP = 16 + zlib.MAX_WBITS
_LONGEST_ACCEPT = 512
_match_preference = re.compile(
    rb"[ \t]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)[ \t]*(?:;[ \t]*[Qq]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?"
).fullmatch


class Coder(Protocol):
    """Compresses one body."""

    def add(self, data: bytes) -> bytes:
        """Take a piece. Return what is ready."""

    def flush(self) -> bytes:
        """Return all that is needed to read what has been added so far."""

    def end(self) -> bytes:
        """Return the rest."""


class _Gzip:
    __slots__ = ("_object", "add", "end")

    def __init__(self, level: int) -> None:
        self._object = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
        self.add = self._object.compress
        self.end = self._object.flush

    def flush(self) -> bytes:
        return self._object.flush(zlib.Z_SYNC_FLUSH)


class _Brotli:
    __slots__ = ("_object", "add", "end", "flush")

    def __init__(self, quality: int) -> None:
        self._object = brotli.Compressor(quality=quality, lgwin=_BROTLI_WINDOW_BITS)
        self.add = self._object.process
        self.flush = self._object.flush
        self.end = self._object.finish


class _Zstd:
    __slots__ = ("_object", "add", "end")

    def __init__(self, parameters: zstandard.ZstdCompressionParameters) -> None:
        self._object = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        self.add = self._object.compress
        self.end = self._object.flush

    def flush(self) -> bytes:
        return self._object.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


def gzip_coder(level: int) -> Callable[[], Coder]:
    """Return what makes a coder for gzip."""
    return lambda: _Gzip(level)


def brotli_coder(quality: int) -> Callable[[], Coder]:
    """Return what makes a coder for Brotli."""
    return lambda: _Brotli(quality)


def zstd_coder(level: int) -> Callable[[], Coder]:
    """Return what makes a coder for Zstandard."""
    parameters = zstandard.ZstdCompressionParameters.from_level(level, window_log=_ZSTD_WINDOW_BITS)
    return lambda: _Zstd(parameters)


class Compressing:
    """A body on its way to the caller. `live`: what has come is passed on at once, however little it is."""

    __slots__ = ("_coder", "_live")

    keeps_length = False

    def __init__(self, coder: Coder, *, live: bool) -> None:
        self._coder = coder
        self._live = live

    def feed(self, data: bytes) -> bytes:
        """Compress a piece."""
        ready = self._coder.add(data)
        return ready + self._coder.flush() if self._live else ready

    def finish(self) -> bytes:
        """Return the rest."""
        return self._coder.end()


def preferred(accept: bytes, codings: Sequence[str]) -> str | None:
    """Return the coding that a caller likes best, ours first where it likes several as well. None for none of them.

    What cannot be read says nothing, and so does a value that is far longer than there are codings.
    """
    if not accept or len(accept) > _LONGEST_ACCEPT:
        return None
    wanted: dict[str, float] = {}
    for part in accept.split(b","):
        found = _match_preference(part)
        if found is not None:
            name = found[1].decode().lower()
            wanted[{"x-gzip": "gzip"}.get(name, name)] = 1.0 if found[2] is None else float(found[2])
    anything = wanted.get("*", 0.0)
    best, liking = None, wanted.get("identity", 0.0)
    for coding in codings:
        quality = wanted.get(coding, anything)
        if quality > 0 and (quality > liking or (best is None and quality == liking)):
            best, liking = coding, quality
    return best
