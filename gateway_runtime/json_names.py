"""Whether a decoder has lost entries of a JSON text, because a name was there twice."""

# Where one of these is in a text, the colon behind a name cannot be told from others by its look.
_UNCLEAR = (b'\\":', b" :", b"\t:", b"\n:", b"\r:")


def are_all_counted(text: bytes, entries: int) -> bool:
    """Tell whether a well-formed text has no more entries than the decoder has kept. False also where it is unclear.

    Each entry has one colon. Others are in strings only, and one of these follows a quote only where the quote is
    escaped or where the string begins with it, which makes the count too large and never too small.
    """
    if text.count(b":") == entries:
        return True
    return text.count(b'":') == entries and not any(each in text for each in _UNCLEAR)
