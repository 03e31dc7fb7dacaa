"""Expressions that only select one value, read without the expression language: `#[attributes.headers['x']]`."""

import re

_NAME = r"(?:'([^'\"\\]{1,200})'|\"([^'\"\\]{1,200})\")"
_header = re.compile(rf"#\[\s*attributes\.headers\[\s*{_NAME}\s*\]\s*\]").fullmatch
_query = re.compile(rf"#\[\s*attributes\.queryParams(?:\[\s*{_NAME}\s*\]|\.(\w{{1,200}}))\s*\]").fullmatch
_claim = re.compile(rf"#\[\s*vars\.claimSet(?:\[\s*{_NAME}\s*\]|\.(\w{{1,200}}))\s*\]").fullmatch
_remote_address = re.compile(r"#\[\s*attributes\.remoteAddress\s*\]").fullmatch
_header_name = re.compile(r"[a-z0-9!#$%&*+.^_`|~-]+").fullmatch


def _selected(found: re.Match[str] | None) -> str | None:
    return None if found is None else next(filter(None, found.groups()))


def selected_header(expression: str) -> bytes | None:
    """Return the lower-case name of the header that an expression selects, None for any other expression."""
    name = _selected(_header(expression))
    return name.lower().encode() if name is not None and _header_name(name.lower()) else None


def selected_parameter(expression: str) -> str | None:
    """Return the name of the query parameter that an expression selects, None for any other expression."""
    return _selected(_query(expression))


def selected_claim(expression: str) -> str | None:
    """Return the name of the claim that an expression selects, None for any other expression."""
    return _selected(_claim(expression))


def selects_remote_address(expression: str) -> bool:
    """Tell whether an expression selects the address of the caller."""
    return _remote_address(expression) is not None


def is_expression(text: str) -> bool:
    """Tell whether a text is an expression and no literal."""
    return text.startswith("#[")
