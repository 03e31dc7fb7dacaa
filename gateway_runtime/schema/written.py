"""Parts of a document as people write them: the same settings under camelCase names, and none that is unknown.

The written form of a part is made from the part itself, so that a new setting of the document is at once one of forms,
REST and their checks.
"""

from collections.abc import Collection
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from gateway_runtime.schema.part import Part

Made = TypeVar("Made", bound=Part)
# Name, type and default.
Field = tuple[str, Any, Any]


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part as it is written."""

    def __repr__(self) -> str:
        # The generated form would show secrets.
        return f"{type(self).__name__}()"


# What each type made here is the written form of, and the names of the fields that are the part's.
_parts: dict[type[Written], tuple[type[Part], frozenset[str]]] = {}


@cache
def written(part: type[Part], without: Collection[str] = (), further: tuple[Field, ...] = ()) -> type[Written]:
    """Return the type of a part as it is written: no fields that are said elsewhere, and `further` ones first."""
    hints = get_type_hints(part, include_extras=True)
    fields = [*further]
    words = {name: _camel(name) for name, *_ in further}
    for each in msgspec.structs.fields(part):
        if each.name in without:
            continue
        default = each.default
        if default is msgspec.NODEFAULT and each.default_factory is not msgspec.NODEFAULT:
            default = msgspec.field(default_factory=each.default_factory)
        fields.append((each.name, _written_type(hints[each.name]), _written_value(default)))
        words[each.name] = _word(each.name, hints[each.name])
    made: Any = msgspec.defstruct(
        f"Written{part.__name__}",
        [field[:2] if field[2] is msgspec.NODEFAULT else field for field in fields],
        bases=(Written,),
        rename=words,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
    )
    _parts[made] = part, frozenset(words) - {name for name, *_ in further}
    found: type[Written] = made
    return found


def unwritten(value: Any) -> Any:
    """Return parts for what is written, also inside lists; other values are as they are."""
    if isinstance(value, Written):
        return _parts[type(value)][0](**unwritten_fields(value))
    return type(value)(unwritten(each) for each in value) if isinstance(value, list | tuple) else value


def unwritten_fields(value: Written) -> dict[str, Any]:
    """Return the fields of its part that a written one says: for one that does not say all of them."""
    return {name: unwritten(getattr(value, name)) for name in _parts[type(value)][1]}


def as_written(form: type[Written], part: Part) -> dict[str, Any]:
    """Return what a part says in the words of its written form, without what is as usual."""
    names = _parts[form][1]
    made: dict[str, Any] = msgspec.to_builtins(form(**{name: _written_value(getattr(part, name)) for name in names}))
    # A part that is not optional says nothing where all in it is as usual.
    optional = {field.encode_name for field in msgspec.structs.fields(form) if field.default is None}
    return {word: value for word, value in made.items() if value != {} or word in optional}


def written_path(part: type[Part], path: str) -> str:
    """Return the path of a fault in a part in the words in which it is written."""
    step, dot, rest = path.partition(".")
    name, bracket, index = step.partition("[")
    hint = get_type_hints(part, include_extras=True).get(name)
    if hint is None:
        return path
    inner = next(iter(_parts_in(hint)), None)
    below = written_path(inner, rest) if inner is not None and rest else rest
    return f"{_word(name, hint)}{bracket}{index}{dot}{below}"


def _parts_in(hint: Any) -> list[type[Part]]:
    if isinstance(hint, type) and get_origin(hint) is None:
        return [hint] if issubclass(hint, Part) else []
    return [part for each in get_args(hint) for part in _parts_in(each)]


def _written_type(hint: Any) -> Any:
    """Return a type with every part in it replaced by its written form."""
    if hasattr(hint, "__metadata__"):
        inner = _bounded(_written_type(hint.__origin__), _said_of(hint).get("bounds"))
        return reduce(lambda made, meta: Annotated[made, meta], hint.__metadata__, inner)
    parts = _parts_in(hint)
    if not parts:
        return hint
    if hint is parts[0]:
        return written(hint)
    inner = [_written_type(each) for each in get_args(hint)]
    origin = get_origin(hint)
    return origin[tuple(inner)] if origin in (list, tuple, dict) else reduce(or_, inner)


def _written_value(value: Any) -> Any:
    if not isinstance(value, Part):
        return value
    return written(type(value))(**{name: _written_value(getattr(value, name)) for name in value.__struct_fields__})


def _bounded(hint: Any, bounds: dict[str, Any] | None) -> Any:
    """Return a number, or “a number or none”, with limits to it."""
    if not bounds:
        return hint
    rest = [each for each in get_args(hint) if each is not type(None)]
    meta = msgspec.Meta(**bounds)
    return Annotated[rest[0], meta] | None if rest else Annotated[hint, meta]


def _word(name: str, hint: Any) -> str:
    return str(_said_of(hint).get("word") or _camel(name))


def _said_of(hint: Any) -> dict[str, Any]:
    """Return what `setting` has said of a field beyond its limits."""
    said: dict[str, Any] = {}
    for meta in getattr(hint, "__metadata__", ()):
        said |= (meta.extra or {}) if isinstance(meta, msgspec.Meta) else {}
    return said


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)
