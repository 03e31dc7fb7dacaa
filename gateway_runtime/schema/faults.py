"""Turning a validation error into a path, a code and one clear sentence, the same in form, REST and file."""

import difflib
import re
from typing import Any

import msgspec


class ConfigFault(Exception):
    """A setting is wrong. `path` names it in wire names (`rateLimits[0].maximumRequests`, "" for the whole).

    `position` is the character of the setting that is wrong, from 0, where it is an expression.
    """

    def __init__(self, path: str, code: str, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.code = code
        self.message = message
        self.position = position


# What `$` means to everybody but Python, to which a line end may come after it.
_END = r"(?![\s\S])"
_AT = re.compile(r"^(?P<text>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.DOTALL)
_BOUND = re.compile(r"^Expected `(?:int|float)(?: \| null)?` (?P<sign>[<>]=?) (?P<limit>-?[0-9.e+]+)$")
_BOUNDS = {
    ">=": "Use {limit} or more.",
    ">": "Use more than {limit}.",
    "<=": "Use {limit} or less.",
    "<": "Use less than {limit}.",
}
_MISSING = re.compile(r"^Object missing required field `(?P<name>.*)`$", re.DOTALL)


def whole(pattern: str) -> str:
    """Return a pattern for a text to its very end, also where a line end is the last of it."""
    return pattern.removesuffix("$") + _END if pattern.endswith("$") else pattern


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _bare(info: Any) -> Any:
    """Return a type without its annotations and without “or none”."""
    while isinstance(info, msgspec.inspect.Metadata | msgspec.inspect.UnionType):
        if isinstance(info, msgspec.inspect.Metadata):
            info = info.type
        else:
            info = next(t for t in info.types if not isinstance(t, msgspec.inspect.NoneType))
    return info


def _type_at(type_: Any, path: str) -> Any:
    """Return what is known of the type at a path inside a struct type."""
    info: Any = _bare(msgspec.inspect.type_info(type_))
    for step in re.findall(r"\[[^\]]*\]|[^.\[\]]+", path):
        if step.startswith("["):
            info = getattr(info, "item_type", None) or getattr(info, "value_type", None)
        else:
            info = next((f.type for f in getattr(info, "fields", ()) if f.encode_name == step), None)
        info = _bare(info)
    return info


def _known_names(type_: Any, path: str) -> list[str]:
    """Return the wire names that are allowed at a path inside a struct type."""
    return [f.encode_name for f in getattr(_type_at(type_, path), "fields", ())]


def _choices(type_: Any, path: str) -> list[str]:
    """Return the values of the choice at a path inside a struct type."""
    info = _type_at(type_, path)
    found = info.cls if isinstance(info, msgspec.inspect.EnumType) else getattr(info, "values", ())
    return [str(getattr(each, "value", each)) for each in found]


def fault_from(error: msgspec.ValidationError, type_: Any) -> ConfigFault:
    """Describe a msgspec error about a value of struct type `type_`."""
    match = _AT.match(str(error))
    assert match is not None
    text, path = match["text"], match["path"] or ""
    if unknown := _UNKNOWN.match(text):
        names = _known_names(type_, path)
        near = difflib.get_close_matches(unknown["name"], names, n=1, cutoff=0.5)
        hint = f" Did you mean “{near[0]}”?" if near else f" Known are {', '.join(names)}." if names else ""
        return ConfigFault(
            _join(path, unknown["name"]), "unknown_setting", f"There is no setting “{unknown['name']}”.{hint}"
        )
    if missing := _MISSING.match(text):
        return ConfigFault(_join(path, missing["name"]), "required", "This setting is required.")
    if bound := _BOUND.match(text):
        limit = bound["limit"].removesuffix(".0")
        return ConfigFault(path, "invalid_value", _BOUNDS[bound["sign"]].format(limit=limit))
    text = text.replace(repr(_END)[1:-1], "$")
    possible = _choices(type_, path) if text.startswith("Invalid enum value") else []
    hint = f" Possible: {', '.join(possible)}." if possible else ""
    return ConfigFault(path, "invalid_value", text.replace("`", "“", 1).replace("`", "”", 1) + "." + hint)


def convert(value: Any, type_: Any) -> Any:
    """Decode plain data into a struct of `type_`. Raises `ConfigFault`."""
    try:
        return msgspec.convert(value, type=type_)
    except msgspec.ValidationError as error:
        raise fault_from(error, type_) from error
