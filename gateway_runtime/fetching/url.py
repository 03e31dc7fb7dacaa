"""Addresses that the gateway may ask by itself: `http` and `https`, with nothing hidden in them."""

from __future__ import annotations

import re
from typing import NamedTuple

_url = re.compile(
    r"(https?)://"
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?\.?)"
    r"(?::([0-9]{1,5}))?"
    r"(/[!-\"$-~]*)?"
).fullmatch
USUAL_PORTS = {"http": 80, "https": 443}
LONGEST = 2000


class Url(NamedTuple):
    """A URL in the parts that a request needs. `authority` is what the Host header says."""

    scheme: str
    host: str
    port: int
    authority: str
    target: str


def parse_url(text: str) -> Url:
    """Read a URL. Raises `ValueError` for other schemes, user names, fragments and whatever is not plain ASCII."""
    found = _url(text)
    port = int((found and found[3]) or 1)
    if found is None or len(text) > LONGEST or not 1 <= port <= 65_535:
        # What may hold a password is not repeated.
        named = "This" if "@" in text else f"“{text[:200]}”"
        raise ValueError(
            f"{named} is not a URL that can be fetched: http:// or https://, a host, perhaps a port and a path, "
            "without user name and fragment"
        )
    scheme, host = found[1], found[2]
    authority = f"{host}:{found[3]}" if found[3] else host
    return Url(scheme, host.strip("[]"), int(found[3] or USUAL_PORTS[scheme]), authority, found[4] or "/")
