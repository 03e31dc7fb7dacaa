"""An expression as a tree. `at` is the position of a node in the setting, for sentences about it."""

from dataclasses import dataclass, field
from typing import TypeAlias

# What a value of the language is in Python. No other type ever gets in.
Value: TypeAlias = "bool | int | float | str | bytes | list[Value] | dict[str, Value] | None"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is written out."""

    value: Value
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Items:
    """A list: `[a, b]`."""

    items: "tuple[Node, ...]"
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Fields:
    """An object: `{name: a, "other name": b}`."""

    fields: "tuple[tuple[str, Node], ...]"
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Name:
    """One of the names there are: `attributes`, `payload` …"""

    name: str
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Select:
    """A part of a value: `base.key`, `base['key']`, `base[0]`. `at` is where the key is."""

    base: "Node"
    key: "Node"
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of values: `lower(a)`; `a splitBy ','` is the same as `splitBy(a, ',')`."""

    name: str
    arguments: "tuple[Node, ...]"
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Chain:
    """Values joined by one operator: `++`, `and`, `or`, `default`."""

    operator: str
    operands: "tuple[Node, ...]"
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values compared: `==`, `!=`, `<`, `<=`, `>`, `>=`."""

    operator: str
    left: "Node"
    right: "Node"
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite: `not a`, `!a`."""

    operand: "Node"
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of two values: `if (condition) a else b`."""

    condition: "Node"
    yes: "Node"
    no: "Node"
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


Node: TypeAlias = Literal | Items | Fields | Name | Select | Call | Chain | Compare | Not | Choice
