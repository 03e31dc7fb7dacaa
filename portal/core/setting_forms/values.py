"""Settings as they are stored: only what differs from the default."""

from typing import Any

import msgspec


def differing(settings: msgspec.Struct) -> dict[str, Any]:
    """Return as plain data what of a struct differs from its defaults, and of the structs inside it."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if value == default:
            continue
        found[field.encode_name] = differing(value) if isinstance(value, msgspec.Struct) else msgspec.to_builtins(value)
    return found


def whole(value: Any) -> Any:
    """Return settings as plain data, with those that are as by default."""
    if isinstance(value, msgspec.Struct):
        return {field.encode_name: whole(getattr(value, field.name)) for field in msgspec.structs.fields(value)}
    if isinstance(value, list | tuple):
        return [whole(each) for each in value]
    return value
