"""Compressed bodies read piece by piece: whatever they claim to be, no more comes out at a time than was asked for."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli
import zstandard

# The largest window that RFC 9659 lets a sender of Zstandard use.
_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
# What a decoder of Zstandard gets at a time: it has no limit of its own, and a block of three bytes may give 128 KB.
_ZSTD_PIECE = 256
_GZIP_START = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS


class NotDecodedError(Exception):
    """The bytes are not in the coding."""


class Decoder(Protocol):
    """Reads one body. `at_end`: a whole one has been read."""

    @property
    def at_end(self) -> bool: ...

    def add(self, data: bytes) -> None:
        """Take a piece of the compressed body."""

    def next(self, most: int) -> bytes:
        """Return some more of the body, nothing where more has to be added. Raises `NotDecodedError`.

        About `most` bytes at once, or one block of the coding.
        """


class _Inflated:
    """Gzip or deflate. A body of gzip may have several parts, one after the other (RFC 1952 section 2.2)."""

    __slots__ = ("_data", "_gzip", "_object")

    def __init__(self, gzip: bool) -> None:
        self._gzip = gzip
        self._data = b""
        self._object = zlib.decompressobj(_GZIP) if gzip else None

    @property
    def at_end(self) -> bool:
        return self._object is not None and self._object.eof and not self._data

    def add(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data

    def next(self, most: int) -> bytes:
        while True:
            found = self._object
            if found is None:
                if len(self._data) < 2:
                    return b""
                found = self._object = zlib.decompressobj(_deflate_bits(self._data))
            elif found.eof:
                if not self._data:
                    return b""
                if not self._gzip or not _GZIP_START.startswith(self._data[:2]):
                    raise NotDecodedError
                found = self._object = zlib.decompressobj(_GZIP)
            try:
                out = found.decompress(self._data, most)
            except zlib.error:
                raise NotDecodedError from None
            self._data = found.unused_data if found.eof else found.unconsumed_tail
            if out or not (found.eof and self._data):
                return out


def _deflate_bits(data: bytes) -> int:
    # It is to be in the format of zlib, and some senders leave that away.
    wrapped = data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS


class _Brotli:
    __slots__ = ("_data", "_object")

    def __init__(self) -> None:
        self._data = b""
        self._object = brotli.Decompressor()

    @property
    def at_end(self) -> bool:
        return bool(self._object.is_finished()) and not self._data

    def add(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data

    def next(self, most: int) -> bytes:
        found = self._object
        if found.is_finished():
            if self._data:
                raise NotDecodedError
            return b""
        data = b""
        if found.can_accept_more_data():
            data, self._data = self._data, b""
        try:
            return bytes(found.process(data, output_buffer_limit=most))
        except brotli.error:
            raise NotDecodedError from None


class _Zstd:
    """Zstandard. A body may have several frames (RFC 8878 section 3.1)."""

    __slots__ = ("_data", "_object")

    def __init__(self) -> None:
        self._data = b""
        self._object = self._made()

    def _made(self) -> zstandard.ZstdDecompressionObj:
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()

    @property
    def at_end(self) -> bool:
        return bool(self._object.eof) and not self._data

    def add(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data

    def next(self, most: int) -> bytes:
        while self._data:
            if self._object.eof:
                self._object = self._made()
            piece, self._data = self._data[:_ZSTD_PIECE], self._data[_ZSTD_PIECE:]
            try:
                out = self._object.decompress(piece)
            except zstandard.ZstdError:
                raise NotDecodedError from None
            if self._object.eof:
                self._data = self._object.unused_data + self._data
            if out:
                return bytes(out)
        return b""


DECODERS: dict[bytes, Callable[[], Decoder]] = {
    b"gzip": lambda: _Inflated(gzip=True),
    b"x-gzip": lambda: _Inflated(gzip=True),
    b"deflate": lambda: _Inflated(gzip=False),
    b"br": _Brotli,
    b"zstd": _Zstd,
}
