"""What the policies that inject credentials share: one header set on the way to the backend."""

import re
from collections.abc import Iterable

from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.header_injection import RESERVED
from gateway_runtime.schema.policy import Handlers

_header_name = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]*").fullmatch


def checked_header(name: str) -> None:
    """Refuse what is no header name, and a header that only the gateway writes. Raises `ValueError`."""
    if not _header_name(name):
        raise ValueError(f"“{name!a}” is not the name of a header")
    if name.lower() in RESERVED:
        raise ValueError(f"The gateway sets “{name}” itself, so it cannot carry credentials")


def checked_value(title: str, value: str) -> None:
    """Refuse a value that cannot stand in a header, without repeating it. Raises `ValueError`."""
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise ValueError(f"{title} cannot contain line breaks or other control characters")


def injecting(headers: Iterable[tuple[str, bytes]], *, overwrite: bool) -> Handlers:
    """Return handlers that set these headers: in place of those that are there, or only where none is."""
    pairs = [(name.lower().encode(), value) for name, value in headers]
    # Some backends cannot tell `_` from `-`: a caller's header of the other spelling would pose as ours.
    alike = [frozenset({name, name.replace(b"_", b"-"), name.replace(b"-", b"_")}) for name, _ in pairs]
    names = frozenset[bytes]().union(*alike)

    def set_all(context: RequestContext) -> None:
        context.headers = [pair for pair in context.headers if pair[0] not in names] + pairs

    def set_missing(context: RequestContext) -> None:
        there = {pair[0] for pair in context.headers}
        context.headers += [pair for pair, known in zip(pairs, alike, strict=True) if there.isdisjoint(known)]

    return Handlers(request_headers=set_all if overwrite else set_missing)
