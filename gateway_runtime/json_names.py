"""Whether a decoder has lost entries of a JSON text, because a name was there twice."""


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
