"""Keys that the documents spell in more than one way."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

# From another spelling to the usual one.
SPELLINGS = {
    "DB": "db",
    "user": "username",
    "minVersion": "minversion",
    "maxVersion": "maxversion",
    "trustedCa": "trustedCA",
}
# From the usual spelling to the others.
OTHERS = {usual: [other for other in SPELLINGS if SPELLINGS[other] == usual] for usual in SPELLINGS.values()}


def usual_spelling(value: Any, type_: Any) -> Any:
    """Return settings for `type_` with its keys in their usual spelling.

    Only where such a setting is known: elsewhere a key stays as it was written, and so do the keys of free maps.
    """
    if isinstance(value, list):
        return [usual_spelling(inner, type_) for inner in value]
    form = _form(type_)
    if form is None or not isinstance(value, dict):
        return value
    known = {field.encode_name: field.type for field in msgspec.structs.fields(form)}
    found = {}
    for key, inner in value.items():
        usual = SPELLINGS.get(key, key)
        name = usual if usual in known and usual not in value else key
        found[name] = usual_spelling(inner, known.get(name))
    return found


def _form(type_: Any) -> type[msgspec.Struct] | None:
    """Return the struct that is inside an annotation: that of `Struct | None` or `list[Struct]`."""
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return type_
    return next((found for inner in get_args(type_) if (found := _form(inner)) is not None), None)
