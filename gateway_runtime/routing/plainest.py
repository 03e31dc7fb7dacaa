"""The most generous reading of a path: what a service that is careless with it may take it for."""

import re
from urllib.parse import unquote_to_bytes

_cut_segments = re.compile(rb"[;?#][^/]*+").sub
# Tells whether a canonical path can be read in another way at all. Most cannot.
has_other_reading = re.compile(rb"[%;]").search


def plainest(path: bytes) -> bytes:
    """Return a canonical path with its escapes decoded and what follows a `;`, `?` or `#` in each segment cut off."""
    return _cut_segments(b"", unquote_to_bytes(path))
