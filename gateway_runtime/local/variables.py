"""`$NAME` as a whole string value is the environment variable of that name; a `$` more is taken off the text."""

import re
from collections.abc import Mapping
from typing import Any

from gateway_runtime.local.place import Place

_match_variable = re.compile(r"(\$*)\$([A-Za-z_][A-Za-z0-9_]*)").fullmatch


def variable_name(value: Any) -> str:
    """Return the name of the variable that a value stands for, or an empty text."""
    found = _match_variable(value) if isinstance(value, str) else None
    return found[2] if found is not None and not found[1] else ""


def substitute(value: Any, environment: Mapping[str, str], place: Place) -> Any:
    """Return the value with its variables replaced. Raises `FileFault` where one is not set."""
    if isinstance(value, str):
        found = _match_variable(value)
        if found is None:
            return value
        escaped, name = found.groups()
        if escaped:
            return value[1:]
        if name not in environment:
            message = f"The environment variable {name} is not set. Write $${name} for the text itself."
            raise place.fault(message, "variable_not_set")
        return environment[name]
    if isinstance(value, dict):
        return {key: substitute(inner, environment, place.at(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [substitute(inner, environment, place.at(index)) for index, inner in enumerate(value)]
    return value
