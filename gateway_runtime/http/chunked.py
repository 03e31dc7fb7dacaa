"""The chunked coding, read strictly. Used for requests and for the answers of services alike."""

from __future__ import annotations

import re

LAST_CHUNK = b"0\r\n\r\n"

_LINE_LIMIT = 256
_TRAILER_LIMIT = 8 * 1024
# A size that fits 64 bits; extensions are allowed and thrown away. A bare CR or LF cannot be in one.
_match_size = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[\t ]*;[\t -~\x80-\xff]*)?").fullmatch
_match_trailer = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t -~\x80-\xff]*+").fullmatch

_SIZE, _DATA, _DATA_END, _TRAILERS, _DONE = range(5)


class ChunkError(Exception):
    """The bytes are not the chunked coding."""


def encode_chunk(data: bytes) -> bytes:
    """Return one chunk. `data` is not empty: an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class ChunkedDecoder:
    """Takes bytes as they come, split anywhere; gives the content. Trailers are checked and dropped."""

    __slots__ = ("_left", "_line", "_state", "_trailer_bytes", "done", "rest")

    def __init__(self) -> None:
        self._state = _SIZE
        self._left = 0
        self._line = b""
        self._trailer_bytes = 0
        self.done = False
        self.rest = b""  # what came after the end of the body

    def feed(self, data: bytes) -> bytes:
        """Return the content in `data`. Sets `done` and `rest` at the end of the body. Raises `ChunkError`."""
        content: list[bytes] = []
        position, end = 0, len(data)
        while position < end:
            state = self._state
            if state == _DATA:
                piece = data[position : position + self._left]
                content.append(piece)
                position += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = _DATA_END
                continue
            line, position = self._read_line(data, position)
            if line is None:
                break
            if state == _SIZE:
                self._start_chunk(line)
            elif state == _DATA_END:
                if line:
                    raise ChunkError("no line end after a chunk")
                self._state = _SIZE
            elif self._end_of_trailers(line):
                self.rest = data[position:]
                break
        return content[0] if len(content) == 1 else b"".join(content)

    def _read_line(self, data: bytes, position: int) -> tuple[bytes | None, int]:
        """Return the line that ends in `data`, or None and keep its beginning."""
        limit = 2 if self._state == _DATA_END else _TRAILER_LIMIT if self._state == _TRAILERS else _LINE_LIMIT
        newline = data.find(b"\n", position)
        if newline < 0:
            self._line += data[position:]
            if len(self._line) > limit or b"\r" in self._line[:-1]:
                raise ChunkError("a line is too long or has a bare CR")
            return None, len(data)
        line = self._line + data[position : newline + 1]
        self._line = b""
        if len(line) > limit or not line.endswith(b"\r\n"):
            raise ChunkError("a line is too long or ends with a bare LF")
        return line[:-2], newline + 1

    def _start_chunk(self, line: bytes) -> None:
        found = _match_size(line)
        if found is None:
            raise ChunkError("bad chunk size")
        self._left = int(found[1], 16)
        self._state = _DATA if self._left else _TRAILERS

    def _end_of_trailers(self, line: bytes) -> bool:
        if not line:
            self._state = _DONE
            self.done = True
            return True
        self._trailer_bytes += len(line)
        if self._trailer_bytes > _TRAILER_LIMIT or _match_trailer(line) is None:
            raise ChunkError("bad trailer")
        return False
