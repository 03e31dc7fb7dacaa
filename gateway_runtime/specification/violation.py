"""In what way a request does not keep to its specification."""

import re
from collections.abc import Iterable
from typing import NamedTuple

# What callers have named themselves is repeated only where it is as plain as this.
_PLAIN = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,60}\Z")


class Violation(NamedTuple):
    """A kind of fault, and a sentence that says where it is and what rule is broken: never with a value."""

    code: str
    detail: str


PATH_UNKNOWN = "path_not_in_specification"
METHOD_UNKNOWN = "method_not_in_specification"
PARAMETER_MISSING = "parameter_missing"
PARAMETER_INVALID = "parameter_invalid"
PARAMETER_UNKNOWN = "parameter_not_in_specification"
TYPE_UNKNOWN = "content_type_not_in_specification"
BODY_MISSING = "body_missing"
BODY_MALFORMED = "body_malformed"
BODY_INVALID = "body_invalid"


def named(name: str) -> str:
    """Return “ “name”” where a name may be repeated, else nothing."""
    return f" “{name}”" if _PLAIN.match(name) else ""


def pointer(steps: Iterable[str | int]) -> str:
    """Return a JSON pointer as far as it may be repeated."""
    found = ""
    for step in steps:
        text = str(step)
        if not _PLAIN.match(text) or len(found) > 200:
            return f"{found}/…"
        found += f"/{text}"
    return found
