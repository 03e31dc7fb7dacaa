"""An expression as a tree. `at` is the position of a node in the setting, for sentences about it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

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


class Field(NamedTuple):
    """One field of an object. `key` is a node where the name is computed; with a `condition` it may be left out."""

    key: "str | Node"
    value: "Node"
    condition: "Node | None" = None


@dataclass(frozen=True, slots=True)
class Fields:
    """An object: `{name: a, "other name": b, (computed): c, (name: d) if (condition)}`."""

    fields: tuple[Field, ...]
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
class Present:
    """Whether a part is there: `base.key?`."""

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
class Calculate:
    """Two values calculated with, or one taken out of the other: `+`, `-`, `*`, `/`, `--`."""

    operator: str
    left: "Node"
    right: "Node"
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Negative:
    """The opposite of a number: `-a`."""

    operand: "Node"
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Typed:
    """A value as one of another type, or whether it is of a type: `a as Number`, `a is Object`."""

    operator: str
    operand: "Node"
    type: str
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Loop:
    """A function of a value and of what is done with each of its parts: `a map (item, index) -> b`.

    `start` is the value that the last parameter of `reduce` begins with.
    """

    name: str
    whole: "Node"
    parameters: tuple[str, ...]
    body: "Node"
    start: "Node | None"
    at: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Bind:
    """A name of the script's own: `var name = value`, known in the body."""

    name: str
    value: "Node"
    body: "Node"
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


Node: TypeAlias = (
    Literal | Items | Fields | Name | Select | Present | Call | Chain | Compare | Calculate | Negative | Typed | Loop
    | Bind | Not | Choice
)  # fmt: skip


def parts(node: Node) -> tuple[Node, ...]:
    """Return the nodes that a node is made of."""
    match node:
        case Literal() | Name():
            return ()
        case Items():
            return node.items
        case Fields():
            return tuple(
                each for field in node.fields for each in field if each is not None and not isinstance(each, str)
            )
        case Select() | Present():
            return node.base, node.key
        case Call():
            return node.arguments
        case Chain():
            return node.operands
        case Compare() | Calculate():
            return node.left, node.right
        case Not() | Negative() | Typed():
            return (node.operand,)
        case Choice():
            return node.condition, node.yes, node.no
        case Loop():
            return (node.whole, node.body) if node.start is None else (node.whole, node.start, node.body)
        case Bind():
            return node.value, node.body


def every(tree: Node) -> Iterator[Node]:
    """Return a tree's nodes, each before its parts."""
    yield tree
    for part in parts(tree):
        yield from every(part)
