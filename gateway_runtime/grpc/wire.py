"""The encoding of protocol buffers: what is needed to write a message and to read one, field by field.

Which number is which field is known by whoever writes and reads. See protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
_MOST_OF_A_VARINT = 10


class WireError(ValueError):
    """This is no message."""


def varint(value: int) -> bytes:
    """Return a number in as few bytes as it needs. A negative one is that of 64 bits with the same bits."""
    value &= 0xFFFFFFFFFFFFFFFF
    if value < 0x80:
        return bytes((value,))
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def number(field: int, value: int) -> bytes:
    """Return a field with a number. Nothing for zero, which is what an absent one means."""
    return varint(field << 3) + varint(value) if value else b""


def message(field: int, content: bytes) -> bytes:
    """Return a field with a message inside, also an empty one."""
    return varint(field << 3 | BYTES) + varint(len(content)) + content


def text(field: int, content: bytes) -> bytes:
    """Return a field with bytes or with text in UTF-8. Nothing for none."""
    return message(field, content) if content else b""


def entry(field: int, key: bytes, value: bytes) -> bytes:
    """Return one entry of a map from text to text."""
    return message(field, text(1, key) + text(2, value))


class Message:
    """A message that has been read. A field of another type than it is asked for as is one that is not known."""

    __slots__ = ("_fields",)

    def __init__(self, data: bytes) -> None:
        """Read a message. Raises `WireError`."""
        self._fields: dict[tuple[int, int], list[int] | list[bytes]] = {}
        position, end = 0, len(data)
        while position < end:
            tag, position = _read_varint(data, position)
            field, kind = tag >> 3, tag & 7
            if not 1 <= field < 1 << 29:
                raise WireError("no field has this number")
            if kind == VARINT:
                value, position = _read_varint(data, position)
                self._fields.setdefault((field, kind), []).append(value)  # type: ignore[arg-type]
                continue
            if kind == BYTES:
                size, position = _read_varint(data, position)
            elif kind in _FIXED:
                size = _FIXED[kind]
            else:
                raise WireError("no field is encoded like this")
            if size > end - position:
                raise WireError("it ends in the middle")
            self._fields.setdefault((field, kind), []).append(data[position : position + size])  # type: ignore[arg-type]
            position += size

    def __contains__(self, field: int) -> bool:
        """Tell whether there is such a field with bytes, text or a message."""
        return (field, BYTES) in self._fields

    def number(self, field: int) -> int:
        """Return a number, 0 without one. The last one counts."""
        found = self._fields.get((field, VARINT))
        return found[-1] if found else 0  # type: ignore[return-value]

    def text(self, field: int) -> bytes:
        """Return bytes or the bytes of a text, empty without. The last one counts."""
        found = self._fields.get((field, BYTES))
        return found[-1] if found else b""  # type: ignore[return-value]

    def texts(self, field: int) -> list[bytes]:
        """Return all of a repeated field."""
        return self._fields.get((field, BYTES), [])  # type: ignore[return-value]

    def message(self, field: int) -> Message:
        """Return the message inside, an empty one without. Several are merged. Raises `WireError`."""
        # What is written one after the other is read as one.
        return Message(b"".join(self.texts(field)))

    def messages(self, field: int) -> list[Message]:
        """Return all messages of a repeated field. Raises `WireError`."""
        return [Message(each) for each in self.texts(field)]


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    for byte in data[position : position + _MOST_OF_A_VARINT]:
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position
        shift += 7
    raise WireError("a number does not end")
