"""Reading a document up to its APIs, which a worker reads one by one."""

import msgspec

from gateway_runtime.schema.document import FORMAT, Outline
from gateway_runtime.schema.faults import ConfigFault


class _Format(msgspec.Struct):
    """The one field that is read before the rest, so that a newer format is refused by its name."""

    format: int = FORMAT


_decode_outline = msgspec.json.Decoder(Outline).decode


def read_outline(data: bytes) -> Outline:
    """Return a document with its APIs unread. Raises `ConfigFault`."""
    try:
        outline = _decode_outline(data)
        found = outline.format
    except msgspec.MsgspecError as error:
        found = _format(data)
        if found == FORMAT:
            raise unreadable(str(error)) from error
    if found != FORMAT:
        raise ConfigFault(
            "format", "unsupported_format", f"This gateway reads format {FORMAT}, not {found}. Upgrade the gateway."
        )
    return outline


def _format(data: bytes) -> int:
    """Return the format of what cannot be read as a document."""
    try:
        return msgspec.json.decode(data, type=_Format).format
    except msgspec.MsgspecError:
        return FORMAT


def unreadable(reason: str) -> ConfigFault:
    """Return the fault of what is no document."""
    return ConfigFault("", "document_unreadable", f"The document cannot be read: {reason}.")
