"""What the headers of requests and answers say about keeping answers (RFC 9111)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache

Headers = Iterable[tuple[bytes, bytes]]

_REMEMBERED_BYTES = 256
_directives = re.compile(rb'([A-Za-z0-9!#$%&\'*+.^_`|~-]+)(?:=(?:"([^"]*)"|([^,;\s"]*)))?').findall
_is_seconds = re.compile(rb"[0-9]{1,10}").fullmatch
_LONGEST = 2**31
_tags = re.compile(rb'(?:W/)?("[^"]*")').findall


def directives(value: bytes) -> dict[bytes, bytes]:
    """Return the directives of all `Cache-Control` headers of a message, joined by commas, names in lower case."""
    return _remembered(value) if len(value) <= _REMEMBERED_BYTES else _read(value)


def _read(value: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, quoted, plain in _directives(value):
        name, given = name.lower(), quoted or plain
        # Twice with two values: the shorter life is the safer one.
        if name in found and seconds(found[name]) <= seconds(given):
            continue
        found[name] = given
    return found


@lru_cache(maxsize=512)
def _remembered(value: bytes) -> dict[bytes, bytes]:
    return _read(value)


def seconds(value: bytes) -> int:
    """Return a number of seconds; what is none says that the time is over."""
    return min(int(value), _LONGEST) if _is_seconds(value) else 0


def joined(headers: Headers, wanted: bytes) -> bytes:
    """Return all values of a header, b"" without one."""
    return b", ".join([value for name, value in headers if name == wanted])


def may_be_stored(control: dict[bytes, bytes]) -> bool:
    """Tell whether an answer lets a shared cache keep it."""
    return not {b"no-store", b"no-cache", b"private"} & control.keys()


def may_be_shared(control: dict[bytes, bytes]) -> bool:
    """Tell whether the answer to one caller with credentials may be given to others (RFC 9111 section 3.5)."""
    return bool({b"public", b"s-maxage", b"must-revalidate"} & control.keys())


def lifetime(headers: Headers, control: dict[bytes, bytes], now: float) -> int | None:
    """Return for how many seconds an answer says that it is fresh, None where it does not say it."""
    for name in (b"s-maxage", b"max-age"):
        if name in control:
            return seconds(control[name])
    expires = joined(headers, b"expires")
    if not expires:
        return None
    until = read_date(expires)
    if until is None:
        return 0
    begun = read_date(joined(headers, b"date"))
    return max(0, int(until - (now if begun is None else begun)))


def read_date(value: bytes) -> float | None:
    """Return seconds since 1970, None for what is no date."""
    try:
        return parsedate_to_datetime(value.decode("latin-1")).timestamp()
    except (ValueError, OverflowError):
        return None


def date_line(now: float) -> tuple[bytes, bytes]:
    """Return a `Date` header."""
    return b"date", formatdate(now, usegmt=True).encode()


def varies_by(headers: Headers) -> tuple[bytes, ...] | None:
    """Return the request headers that an answer depends on, None where it is told by nothing that can be compared."""
    names = {name.strip(b" \t").lower() for name in joined(headers, b"vary").split(b",")} - {b""}
    return None if b"*" in names else tuple(sorted(names))


def is_unchanged(asked: Headers, stored: Headers) -> bool:
    """Tell whether a caller has the stored answer already (RFC 9110 section 13.2.2)."""
    wanted = joined(asked, b"if-none-match")
    if wanted:
        tag = _tags(joined(stored, b"etag"))
        return bool(tag) and (wanted.strip() == b"*" or tag[0] in _tags(wanted))
    since, changed = joined(asked, b"if-modified-since"), joined(stored, b"last-modified")
    if not since or not changed:
        return False
    then, last = read_date(since), read_date(changed)
    return then is not None and last is not None and last <= then
