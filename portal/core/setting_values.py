"""Settings as they are stored: only what differs from the default. And types of some settings of another type."""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from gateway_runtime.schema.faults import convert, fault_from


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
    """Return a type with these settings of another one, in this order, which refuses those that it does not know."""
    known = {field.name: field for field in msgspec.structs.fields(whole)}
    fields: list[Any] = []
    for each in names:
        field = known[each]
        default: Any = msgspec.field(default=field.default, default_factory=field.default_factory)  # type: ignore[call-overload]
        fields.append((each, field.type, default))
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True)


def read_strictly(value: Any, type_: Any) -> Any:
    """Decode plain data, and refuse a setting that is not known at any depth. Raises `ConfigFault`."""
    _refuse_unknown(value, msgspec.inspect.type_info(type_), "", type_)
    return convert(value, type_)


def _refuse_unknown(value: Any, info: Any, path: str, type_: Any) -> None:
    info = _bare(info)
    if isinstance(info, msgspec.inspect.StructType) and isinstance(value, dict):
        known = {field.encode_name: field.type for field in info.fields}
        for name, inner in value.items():
            if name not in known:
                raise fault_from(
                    msgspec.ValidationError(f"Object contains unknown field `{name}` - at `${path}`"), type_
                )
            _refuse_unknown(inner, known[name], f"{path}.{name}", type_)
    elif isinstance(info, msgspec.inspect.ListType) and isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_unknown(inner, info.item_type, f"{path}[{index}]", type_)


def secret_places(type_: Any) -> list[tuple[str, ...]]:
    """Return the way to each secret setting of a type, through the structs inside it."""
    return list(_secrets(msgspec.inspect.type_info(type_), ()))


def _secrets(info: Any, way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for field in getattr(_bare(info), "fields", ()):
        here = (*way, field.encode_name)
        if isinstance(field.type, msgspec.inspect.Metadata) and (field.type.extra or {}).get("secret"):
            yield here
        else:
            yield from _secrets(field.type, here)


def _bare(info: Any) -> Any:
    """Return a type without its annotations and without “or none”."""
    while isinstance(info, msgspec.inspect.Metadata | msgspec.inspect.UnionType):
        if isinstance(info, msgspec.inspect.Metadata):
            info = info.type
        else:
            info = next(t for t in info.types if not isinstance(t, msgspec.inspect.NoneType))
    return info
