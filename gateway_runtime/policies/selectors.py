"""Expressions that only select one value: a policy reads what they name straight from the bytes of a request."""

import re

_NAME = r"(?:'([^'\"\\]{1,200})'|\"([^'\"\\]{1,200})\")"
_header = re.compile(rf"#\[\s*attributes\.headers\[\s*{_NAME}\s*\]\s*\]").fullmatch
_claim = re.compile(rf"#\[\s*vars\.claimSet(?:\[\s*{_NAME}\s*\]|\.(\w{{1,200}}))\s*\]").fullmatch
_remote_address = re.compile(r"#\[\s*attributes\.remoteAddress\s*\]").fullmatch


def _selected(found: re.Match[str] | None) -> str | None:
    return None if found is None else next(filter(None, found.groups()))


def selected_header(expression: str) -> bytes | None:
    """Return the lower-case name of the header that an expression selects, None for any other expression."""
    name = _selected(_header(expression))
    return name.lower().encode() if name is not None and name.isascii() else None


def selected_claim(expression: str) -> str | None:
    """Return the name of the claim that an expression selects, None for any other expression."""
    return _selected(_claim(expression))


def selects_remote_address(expression: str) -> bool:
    """Tell whether an expression selects the address of the caller."""
    return _remote_address(expression) is not None
