"""From tokens to a tree, by precedence climbing.

Operators, those that bind closest first: selectors; `!` and the sign of a number; `as is`; `* /`; `+ -`; `< <= > >=`;
`== !=`; `not`; `and`; `or`; then, from left to right, `default`, `++`, `--` and functions written between their two
values; `if … else`.
"""

from collections.abc import Callable
from typing import Any

from gateway_runtime.expressions.casts import CASTS, KINDS
from gateway_runtime.expressions.errors import ExpressionError, nearest, quoted
from gateway_runtime.expressions.functions import FUNCTIONS, function_name
from gateway_runtime.expressions.lambdas import Lambdas
from gateway_runtime.expressions.lexer import Token
from gateway_runtime.expressions.loops import LOOPS, loop_name
from gateway_runtime.expressions.scope import ROOTS
from gateway_runtime.expressions.tree import (
    Bind,
    Calculate,
    Call,
    Chain,
    Choice,
    Compare,
    Field,
    Fields,
    Items,
    Literal,
    Name,
    Negative,
    Node,
    Not,
    Present,
    Select,
    Typed,
)

_EQUALITY = frozenset({"==", "!="})
_RELATIONAL = frozenset({"<", "<=", ">", ">="})
_CONSTANTS: dict[Any, bool | None] = {"true": True, "false": False, "null": None}
# What ends the value of a `var` in the header of a script.
DIRECTIVES = ("var", "output", "fun", "import", "ns", "type")


class Parser(Lambdas):
    """Reads one expression from a position of a setting up to the sign that closes it."""

    def read(self, closing: str = "") -> tuple[Node, int]:
        """Return the tree and the position behind `closing` (by default: the end). Raises `ExpressionError`."""
        node = self._read_one(closing)
        if closing:
            return node, self._expect_last(closing)
        if self._token.kind != "end":
            raise self._unexpected("The expression ends before this")
        return node, self._token.at

    def read_variables(self, header: str, values: list[tuple[str, int, int]]) -> Node:
        """Return the tree of a script whose header has variables: name, place, and where the value begins."""
        if not values:
            return self.read()[0]
        (name, at, begin), *more = values
        self.own_name(name, at, self._own)
        inner = type(self)(header, begin)
        inner._own, inner._nodes = self._own, self._nodes
        value = inner._read_one("")
        if inner._token.kind != "end" and not inner._is_name(*DIRECTIVES):
            raise inner._unexpected("The value of this name ends before this")
        self._nodes = inner._nodes
        self._own[name] = None
        rest = self.read_variables(header, more)
        return self._made(Bind, name, value, rest, at=at, below=(value, rest))

    def _read_one(self, closing: str) -> Node:
        if self._token.kind == "end" or self._is(closing):
            raise ExpressionError(self._token.at, "empty", "An expression is missing here.")
        return self._expression()

    # Grammar

    def _expression(self) -> Node:
        self._open += 1
        self._check_depth(self._open, self._token.at)
        node = self._choice() if self._is("if") else self._joined()
        self._open -= 1
        return node

    def _choice(self) -> Node:
        at = self._take().at
        self._expect("(", "after “if”")
        condition = self._expression()
        self._expect(")", "after the condition of “if”")
        yes = self._expression()
        self._expect("else", "after the first value of “if”")
        no = self._expression()
        return self._made(Choice, condition, yes, no, at=at, below=(condition, yes, no))

    def _joined(self) -> Node:
        """Read `default`, `++`, `--` and functions between their values: one level, from left to right."""
        left = self._whole()
        while True:
            token = self._token
            if self._is("default", "++"):
                self._take()
                left = self._appended(str(token.value), left, self._whole(), token.at)
            elif self._is("--"):
                self._take()
                left = self._two(Calculate, "--", left, self._whole(), token.at)
            elif token.kind == "name" and not self._is_name("with", *DIRECTIVES):
                left = self._between(token, left)
            else:
                return left

    def _whole(self) -> Node:
        return self._chain("or", self._both)

    def _appended(self, operator: str, left: Node, right: Node, at: int) -> Node:
        # One node for a whole chain: joining a hundred texts copies each of them once.
        before = left.operands if type(left) is Chain and left.operator == operator else (left,)
        operands = (*before, right)
        return self._made(Chain, operator, operands, at=at, below=operands)

    def _between(self, token: Token, left: Node) -> Node:
        """Read a function that stands behind its first value."""
        name = loop_name(str(token.value))
        if name is not None:
            self._take()
            return self._loop(name, left, token.at)
        name = function_name(str(token.value))
        if name is None or len(FUNCTIONS[name].parameters) < 2:
            words = {"and", "or", "default", "else", *LOOPS}
            words |= {each for each, function in FUNCTIONS.items() if len(function.parameters) > 1}
            hint = nearest(str(token.value), words)
            message = f"{quoted(str(token.value))} does not stand between two values.{hint if 'mean' in hint else ''}"
            raise ExpressionError(token.at, "unexpected", message)
        self._take()
        arguments = [left, self._whole()]
        if name == "replace":
            if not self._is_name("with"):
                raise self._unexpected("“with” and what stands instead are missing")
            self._take()
            arguments.append(self._whole())
        return self._made(Call, name, tuple(arguments), at=token.at, below=tuple(arguments))

    def _chain(self, operator: str, part: Callable[[], Node]) -> Node:
        node = part()
        if not self._is(operator):
            return node
        at, operands = self._token.at, [node]
        while self._is(operator):
            self._take()
            operands.append(part())
        return self._made(Chain, operator, tuple(operands), at=at, below=tuple(operands))

    def _both(self) -> Node:
        return self._chain("and", self._negated)

    def _negated(self) -> Node:
        if not self._is("not"):
            return self._compared(_EQUALITY, lambda: self._compared(_RELATIONAL, self._sum))
        at = self._take().at
        return self._nested(at, Not, self._negated)

    def _compared(self, operators: frozenset[str], part: Callable[[], Node]) -> Node:
        left = part()
        while self._is(*operators):
            token = self._take()
            left = self._two(Compare, str(token.value), left, part(), token.at)
        return left

    def _two(self, kind: Callable[..., Any], operator: str, left: Node, right: Node, at: int) -> Node:
        node: Node = self._made(kind, operator, left, right, at=at, below=(left, right))
        return node

    def _sum(self) -> Node:
        left = self._product()
        while self._is("+", "-"):
            self._check_dash(left)
            token = self._take()
            left = self._two(Calculate, str(token.value), left, self._product(), token.at)
        return left

    def _product(self) -> Node:
        left = self._typed()
        while self._is("*", "/"):
            token = self._take()
            left = self._two(Calculate, str(token.value), left, self._typed(), token.at)
        return left

    def _check_dash(self, left: Node) -> None:
        """Refuse `headers.x-key`, which is meant as a name and would be a subtraction."""
        token, following = self._token, self._after(self._token.end)
        if (
            token.value == "-" and type(left) is Select and following is not None and following.kind == "name"
            and following.at == token.end and self._lexer.source[token.at - 1].isalnum()
            and following.value not in ROOTS and following.value not in self._own
            and function_name(str(following.value)) is None
        ):  # fmt: skip
            message = "A name with “-” is written in brackets, as ['x-key']. With blanks around it “-” subtracts."
            raise ExpressionError(token.at, "unexpected", message)

    def _typed(self) -> Node:
        node = self._unary()
        while self._is_name("as", "is"):
            operator = self._take()
            known = CASTS if operator.value == "as" else KINDS
            if self._token.kind != "name" or self._token.value not in known:
                message = f"Behind “{operator.value}” stands one of {', '.join(known)}."
                raise ExpressionError(self._token.at, "unknown_type", message)
            type_ = str(self._take().value)
            node = self._made(Typed, operator.value, node, type_, at=operator.at, below=(node,))
        return node

    def _nested(self, at: int, kind: Callable[..., Any], part: Callable[[], Node]) -> Node:
        self._open += 1
        self._check_depth(self._open, at)
        operand = part()
        self._open -= 1
        node: Node = self._made(kind, operand, at=at, below=(operand,))
        return node

    def _unary(self) -> Node:
        if self._is("!"):
            return self._nested(self._take().at, Not, self._unary)
        if self._is("not"):
            return self._negated()
        if self._is("-"):
            at = self._take().at
            if self._token.kind != "number":
                return self._nested(at, Negative, self._unary)
            number = self._take().value
            assert not isinstance(number, str)
            return self._selected(self._made(Literal, -number, at=at))
        return self._selected(self._primary())

    def _selected(self, node: Node) -> Node:
        while True:
            if self._is("."):
                self._take()
                at = self._token.at
                if self._token.kind not in ("name", "word", "text") or "::" in str(self._token.value):
                    raise self._unexpected("A name is missing after “.”")
                key = self._made(Literal, self._take().value, at=at)
            elif self._is("["):
                self._take()
                at = self._token.at
                key = self._expression()
                self._expect("]", "after the name or number in brackets")
            elif self._is("?") and type(node) is Select:
                self._take()
                return self._made(Present, node.base, node.key, at=node.at, below=(node.base, node.key))
            else:
                return node
            node = self._made(Select, node, key, at=at, below=(node, key))

    def _primary(self) -> Node:
        token = self._token
        if token.kind in ("text", "number"):
            return self._made(Literal, self._take().value, at=token.at)
        if token.kind == "word" and token.value in _CONSTANTS:
            return self._made(Literal, _CONSTANTS[self._take().value], at=token.at)
        if self._is("if"):
            return self._expression()
        if self._is("("):
            self._take()
            node = self._expression()
            self._expect(")", "after this")
            return node
        if self._is("["):
            self._take()
            items = self._listed("]", self._expression)
            return self._made(Items, items, at=token.at, below=items)
        if self._is("{"):
            self._take()
            fields = self._listed("}", self._field)
            below = tuple(each for field in fields for each in field if each is not None and type(each) is not str)
            return self._made(Fields, fields, at=token.at, below=below)
        if token.kind == "name":
            self._take()
            return self._call(token) if self._is("(") else self._made(Name, token.value, at=token.at)
        raise self._unexpected("A value is missing here")

    def _listed(self, closing: str, part: Callable[[], Any]) -> tuple[Any, ...]:
        found = []
        while not self._is(closing):
            found.append(part())
            if not self._is(closing):
                self._expect(",", f"or “{closing}”")
        self._take()
        return tuple(found)

    def _field(self) -> Field:
        following = self._behind_brackets() if self._is("(") else None
        if following is None or following.value == ":":
            return self._pair()
        self._take()
        field = self._pair()
        self._expect(")", "after the field")
        if not self._is("if"):
            raise self._unexpected("“if” and a condition are missing after the field in brackets")
        self._take()
        return field._replace(condition=self._whole())

    def _pair(self) -> Field:
        key: str | Node
        if self._is("("):
            self._take()
            key = self._expression()
            self._expect(")", "after the name that is computed")
        elif self._token.kind in ("name", "word", "text"):
            key = str(self._take().value)
        else:
            raise self._unexpected("A name is missing here")
        self._expect(":", "after the name")
        return Field(key, self._expression())

    def _call(self, token: Token) -> Node:
        loop = loop_name(str(token.value))
        if loop is not None:
            return self._called_loop(loop, token.at)
        name = function_name(str(token.value))
        if name is None:
            hint = nearest(str(token.value).rpartition("::")[2], [*FUNCTIONS, *LOOPS])
            raise ExpressionError(
                token.at, "unknown_function", f"There is no function {quoted(str(token.value))}.{hint}"
            )
        self._take()
        arguments = self._listed(")", self._expression)
        function = FUNCTIONS[name]
        if not function.required <= len(arguments) <= len(function.parameters):
            raise ExpressionError(token.at, "wrong_arguments", f"“{name}” takes {function.takes}.")
        return self._made(Call, name, arguments, at=token.at, below=arguments)
