"""Generated trees, values and texts: most of them nonsense, all of them what somebody could write or send."""

from typing import Any

from hypothesis import strategies as st

from gateway_runtime.expressions.casts import CASTS, KINDS
from gateway_runtime.expressions.functions import FUNCTIONS
from gateway_runtime.expressions.loops import LOOPS
from gateway_runtime.expressions.tree import (
    Calculate,
    Call,
    Chain,
    Choice,
    Compare,
    Field,
    Fields,
    Items,
    Literal,
    Loop,
    Name,
    Negative,
    Node,
    Not,
    Present,
    Select,
    Typed,
)

# Names that reach into Python elsewhere, and what tears badly written text functions.
HOSTILE = [
    "__class__", "__mro__", "__subclasses__", "__globals__", "__builtins__", "__import__('os')", "{0.__class__}",
    "%s%n", "${jndi:ldap://x}", "headers", "method", "x-key", "é", "\u202e", "\ufeff", "\udcff", "\x00", "a" * 300, "",
    "0", "-1", "1e308", "ß", "ŉ", "😀",
]  # fmt: skip
words = st.sampled_from(HOSTILE) | st.text(max_size=8)
# What a literal can be: a lone surrogate cannot be written out.
letters = st.text(st.characters(exclude_categories=("Cs",)), max_size=8) | st.sampled_from(
    [word for word in HOSTILE if word != "\udcff"]
)
numbers = (
    st.integers(0, 2**53)
    | st.floats(min_value=0, allow_infinity=False, allow_nan=False)
    | st.sampled_from([0, 1, 2**53, 1e308, 5e-324])
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | words
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=8,
)


def _literal(value: Any) -> Node:
    return Literal(value, at=0)


def _chain(operator: str, operands: tuple[Node, ...]) -> Node:
    first, *rest = operands
    # The parser reads a chain inside a chain of the same kind as one.
    if operator in ("++", "default") and type(first) is Chain and first.operator == operator:
        return Chain(operator, (*first.operands, *rest), at=0)
    return Chain(operator, operands, at=0)


def _bigger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    calls = [
        st.builds(
            lambda arguments, name=name: Call(name, arguments, at=0),
            st.tuples(*[inner] * count),
        )
        for name, function in FUNCTIONS.items()
        for count in range(function.required, len(function.parameters) + 1)
    ]
    return st.one_of(
        *calls,
        st.builds(lambda base, key: Select(base, key, at=0), inner, inner | st.builds(_literal, letters)),
        st.builds(
            _chain,
            st.sampled_from(["and", "or", "default", "++"]),
            st.tuples(inner, inner) | st.tuples(inner, inner, inner),
        ),
        st.builds(
            lambda sign, one, other: Compare(sign, one, other, at=0),
            st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
            inner,
            inner,
        ),
        st.builds(lambda operand: Not(operand, at=0), inner),
        st.builds(lambda a, b, c: Choice(a, b, c, at=0), inner, inner, inner),
        st.builds(lambda items: Items(tuple(items), at=0), st.lists(inner, max_size=3)),
        st.builds(lambda fields: Fields(tuple(fields), at=0), st.lists(_field(inner), max_size=3)),
        st.builds(lambda base, key: Present(base, _literal(key), at=0), inner, letters),
        st.builds(
            lambda sign, one, other: Calculate(sign, one, other, at=0),
            st.sampled_from(["+", "-", "*", "/", "--"]),
            inner,
            inner,
        ),
        st.builds(lambda operand: Negative(operand, at=0), inner),
        st.builds(lambda operand, name: Typed("as", operand, name, at=0), inner, st.sampled_from([*CASTS])),
        st.builds(lambda operand, name: Typed("is", operand, name, at=0), inner, st.sampled_from([*KINDS])),
        st.builds(_loop, st.sampled_from([*LOOPS]), inner, _body(inner), st.none() | inner),
    )


def _field(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Field]:
    return st.builds(Field, letters | inner, inner, st.none() | inner)


def _body(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    part = Name("part", at=0)
    return st.one_of(
        inner,
        st.just(part),
        st.builds(lambda key: Select(part, key, at=0), inner),
        st.builds(lambda other: Compare("==", part, other, at=0), inner),
        st.builds(lambda other: Chain("default", (part, other), at=0), inner),
        st.builds(lambda value: Fields((Field(part, value),), at=0), inner),
    )


def _loop(name: str, whole: Node, body: Node, start: Node | None) -> Node:
    names = ("part", "so_far")[: LOOPS[name].takes]
    return Loop(name, whole, names, body, start if name == "reduce" else None, at=0)


# What may be anything fits everywhere, so most trees of these are expressions.
anything = st.sampled_from([Name("payload", at=0), Select(Name("vars", at=0), Literal("any", at=0), at=0)])
leaves: st.SearchStrategy[Node] = st.one_of(
    anything,
    anything,
    anything,
    anything,
    anything,
    anything,
    st.builds(_literal, st.booleans() | st.none()),
    st.builds(_literal, numbers),
    st.builds(_literal, letters),
    st.sampled_from([Name(name, at=0) for name in ("payload", "attributes", "authentication", "vars")]),
    st.sampled_from(
        [
            Select(Name(group, at=0), Literal(name, at=0), at=0)
            for group, name in [
                ("attributes", "headers"), ("attributes", "method"), ("attributes", "queryParams"),
                ("attributes", "scheme"), ("vars", "any"), ("vars", "claimSet"), ("authentication", "properties"),
            ]
        ]
    ),
)  # fmt: skip
trees: st.SearchStrategy[Node] = st.recursive(leaves, _bigger, max_leaves=12)
