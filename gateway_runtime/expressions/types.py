"""What an expression can give, as far as it is known before any request."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any


class Kind(enum.IntFlag):
    """The kinds of values; a type is a set of them."""

    NULL = 1
    BOOLEAN = 2
    NUMBER = 4
    STRING = 8
    BINARY = 16
    LIST = 32
    OBJECT = 64


EVERY = Kind(127)
_WORDS = {
    Kind.NULL: "nothing", Kind.BOOLEAN: "true or false", Kind.NUMBER: "a number", Kind.STRING: "a text",
    Kind.BINARY: "binary data", Kind.LIST: "a list", Kind.OBJECT: "an object",
}  # fmt: skip
_KINDS: dict[type, Kind] = {
    type(None): Kind.NULL, bool: Kind.BOOLEAN, int: Kind.NUMBER, float: Kind.NUMBER, str: Kind.STRING,
    bytes: Kind.BINARY, list: Kind.LIST, dict: Kind.OBJECT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Type:
    """A set of kinds. `fields` are the only names of an object; `items` is what a list or an open object holds."""

    kinds: Kind
    fields: "Mapping[str, Type] | None" = None
    items: "Type | None" = None

    def has(self, kinds: Kind) -> bool:
        """Tell whether a value of this type may be of one of these kinds."""
        return bool(self.kinds & kinds)

    def only(self, kinds: Kind) -> bool:
        """Tell whether every value of this type is of one of these kinds."""
        return not self.kinds & ~kinds

    @property
    def words(self) -> str:
        """Say what it is in a sentence: “a text”, “a number or a list”."""
        if self.kinds == EVERY:
            return "anything"
        found = [words for kind, words in _WORDS.items() if self.kinds & kind and kind is not Kind.NULL]
        return " or ".join(found) or "null"


NULL = Type(Kind.NULL)
BOOLEAN = Type(Kind.BOOLEAN)
NUMBER = Type(Kind.NUMBER)
STRING = Type(Kind.STRING)
BINARY = Type(Kind.BINARY)
ANY = Type(EVERY)
LIST = Type(Kind.LIST, items=ANY)
STRINGS = Type(Kind.LIST, items=STRING)
OBJECT = Type(Kind.OBJECT, items=ANY)


def optional(type_: Type) -> Type:
    """Return the type of what may also be missing."""
    return Type(type_.kinds | Kind.NULL, type_.fields, type_.items)


def union(*types: Type) -> Type:
    """Return the type of a value that is of one of these."""
    return reduce(_joined, types)


def record(fields: Mapping[str, Type]) -> Type:
    """Return the type of an object that has these names and no other."""
    return Type(Kind.OBJECT, fields=fields)


def kind_of(value: Any) -> Kind:
    """Return the kind of a value. A value of any other Python type is none of the language: `KeyError`."""
    return _KINDS[type(value)]


def type_of(value: Any) -> Type:
    """Return the type of a constant."""
    if type(value) is list:
        return Type(Kind.LIST, items=union(*map(type_of, value)) if value else ANY)
    if type(value) is dict:
        return record({name: type_of(each) for name, each in value.items()})
    return Type(kind_of(value))


def _joined(one: Type, other: Type) -> Type:
    if one == other:
        return one
    kinds = one.kinds | other.kinds
    holding = [type_ for type_ in (one, other) if type_.has(Kind.LIST | Kind.OBJECT)]
    if len(holding) == 1:
        return Type(kinds, holding[0].fields, holding[0].items)
    return Type(kinds, items=ANY if holding else None)
