"""Whether a decoder has lost entries of a JSON text, because a name was there twice."""

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
# A colon as an escape (u003a, u003A) is none in the text, but one in what is written from its value.
_ESCAPED = b"\\u003"


def are_all_counted(text: bytes, entries: int) -> bool:
    """Tell whether a well-formed text has no more entries than the decoder has kept. False also where it is unclear.

    Each entry has one colon. Others are in strings only, and one of these follows a quote only where the quote is
    escaped or where the string begins with it, which makes the count too large and never too small.
    """
    if text.count(b":") == entries:
        return True
    return text.count(b'":') == entries and not (
        b" :" in text or b'\\":' in text or b"\n:" in text or b"\t:" in text or b"\r:" in text
    )


def are_all_kept(text: bytes, value: Any) -> bool:
    """Tell whether the value of a well-formed text has all of its entries. False also where it is unclear.

    Each entry has one colon, and strings have the same ones in what is written from the value. Most texts come without
    spaces, and are what is written then.
    """
    try:
        written = _encode(value)
    except OverflowError:
        return False  # numbers above 64 bits are read, but not written
    return written == text or (_ESCAPED not in text and text.count(b":") == written.count(b":"))
