"""Settings as they are stored: only what differs from the default. And types of some settings of another type."""

from collections.abc import Collection
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


def settings_of(name: str, whole: type[msgspec.Struct], names: Collection[str]) -> Any:
    """Return a type with some of the settings of another one, which refuses those that it does not know."""
    fields: list[Any] = []
    for field in msgspec.structs.fields(whole):
        if field.name in names:
            default: Any = msgspec.field(default=field.default, default_factory=field.default_factory)  # type: ignore[call-overload]
            fields.append((field.name, field.type, default))
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True)
