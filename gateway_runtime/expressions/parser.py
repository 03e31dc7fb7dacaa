"""From tokens to a tree, by precedence climbing.

Operators, those that bind closest first: selectors; `!` and the sign of a number; `< <= > >=`; `== !=`; `not`; `and`;
`or`; then, from left to right, `default`, `++` and functions written between their two values; `if … else`.
"""

from collections.abc import Callable
from typing import Any

from gateway_runtime.expressions.errors import ExpressionError, nearest, quoted
from gateway_runtime.expressions.functions import FUNCTIONS, function_name
from gateway_runtime.expressions.lexer import Lexer, Token
from gateway_runtime.expressions.limits import DEPTH, NODES
from gateway_runtime.expressions.tree import (
    Call,
    Chain,
    Choice,
    Compare,
    Fields,
    Items,
    Literal,
    Name,
    Node,
    Not,
    Select,
)

_EQUALITY = frozenset({"==", "!="})
_RELATIONAL = frozenset({"<", "<=", ">", ">="})
_CONSTANTS: dict[Any, bool | None] = {"true": True, "false": False, "null": None}


class Parser:
    """Reads one expression from a position of a setting up to the sign that closes it."""

    def __init__(self, source: str, position: int = 0) -> None:
        self._lexer = Lexer(source, position)
        self._token = self._lexer.next()
        self._nodes = 0
        self._open = 0

    def read(self, closing: str = "") -> tuple[Node, int]:
        """Return the tree and the position behind `closing` (by default: the end). Raises `ExpressionError`."""
        start = self._token.at
        if self._token.kind == "end" or self._is(closing):
            raise ExpressionError(start, "empty", "An expression is missing here.")
        node = self._expression()
        if closing:
            return node, self._expect_last(closing)
        if self._token.kind != "end":
            raise self._unexpected("The expression ends before this")
        return node, self._token.at

    # Tokens

    def _is(self, *signs: str) -> bool:
        return self._token.kind in ("sign", "word") and self._token.value in signs

    def _take(self) -> Token:
        token = self._token
        self._token = self._lexer.next()
        return token

    def _expect(self, sign: str, why: str) -> Token:
        if not self._is(sign):
            raise self._unexpected(f"“{sign}” is missing {why}")
        return self._take()

    def _expect_last(self, sign: str) -> int:
        # What comes after the last sign is not of the language, so it is not looked at.
        if not self._is(sign):
            raise self._unexpected(f"“{sign}” is missing at the end of the expression")
        return self._token.end

    def _unexpected(self, words: str) -> ExpressionError:
        token = self._token
        if token.kind == "end":
            return ExpressionError(token.at, "unexpected_end", f"{words}.")
        if self._is("-"):
            message = "“-” stands only before a number. A name with “-” is written in brackets, as ['x-key']."
            return ExpressionError(token.at, "unexpected", message)
        shown = self._lexer.source[token.at : token.end]
        return ExpressionError(token.at, "unexpected", f"{words}, there is {quoted(shown)}.")

    # Nodes

    def _made(self, kind: Callable[..., Any], *parts: Any, at: int, below: tuple[Node, ...] = ()) -> Any:
        self._nodes += 1
        if self._nodes > NODES:
            message = f"The expression is too long: it may have {NODES} names, values and operators."
            raise ExpressionError(at, "too_long", message)
        depth = max((node.depth for node in below), default=0) + 1
        self._check_depth(depth, at)
        return kind(*parts, at=at, depth=depth)

    def _check_depth(self, depth: int, at: int) -> None:
        if depth > DEPTH:
            raise ExpressionError(at, "too_deep", f"The expression is nested too deep: at most {DEPTH} levels.")

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
        """Read `default`, `++` and functions between their values, which are one level, from left to right."""
        left = self._chain("or", self._both)
        while True:
            token = self._token
            if self._is("default", "++"):
                self._take()
                left = self._appended(str(token.value), left, self._chain("or", self._both), token.at)
            elif token.kind == "name":
                name = self._infix(token)
                right = self._chain("or", self._both)
                left = self._made(Call, name, (left, right), at=token.at, below=(left, right))
            else:
                return left

    def _appended(self, operator: str, left: Node, right: Node, at: int) -> Node:
        # One node for a whole chain: joining a hundred texts copies each of them once.
        before = left.operands if type(left) is Chain and left.operator == operator else (left,)
        operands = (*before, right)
        return self._made(Chain, operator, operands, at=at, below=operands)

    def _infix(self, token: Token) -> str:
        name = function_name(str(token.value))
        if name is None or len(FUNCTIONS[name].parameters) < 2:
            words = {"and", "or", "default", "else"} | {each for each, f in FUNCTIONS.items() if len(f.parameters) > 1}
            hint = nearest(str(token.value), words)
            message = f"{quoted(str(token.value))} does not stand between two values.{hint if 'mean' in hint else ''}"
            raise ExpressionError(token.at, "unexpected", message)
        self._take()
        return name

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
            return self._compared(_EQUALITY, lambda: self._compared(_RELATIONAL, self._unary))
        at = self._take().at
        return self._nested(at, Not, self._negated)

    def _compared(self, operators: frozenset[str], part: Callable[[], Node]) -> Node:
        left = part()
        while self._is(*operators):
            token = self._take()
            right = part()
            left = self._made(Compare, token.value, left, right, at=token.at, below=(left, right))
        return left

    def _nested(self, at: int, kind: Callable[..., Any], part: Callable[[], Node]) -> Node:
        self._open += 1
        self._check_depth(self._open, at)
        operand = part()
        self._open -= 1
        return self._made(kind, operand, at=at, below=(operand,))

    def _unary(self) -> Node:
        if self._is("!"):
            return self._nested(self._take().at, Not, self._unary)
        if self._is("not"):
            return self._negated()
        if self._is("-"):
            at = self._take().at
            if self._token.kind != "number":
                raise self._unexpected("“-” stands only before a number")
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
            return self._made(Fields, fields, at=token.at, below=tuple(node for _, node in fields))
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

    def _field(self) -> tuple[str, Node]:
        if self._token.kind not in ("name", "word", "text"):
            raise self._unexpected("A name is missing here")
        name = str(self._take().value)
        self._expect(":", "after the name")
        return name, self._expression()

    def _call(self, token: Token) -> Node:
        name = function_name(str(token.value))
        if name is None:
            hint = nearest(str(token.value).rpartition("::")[2], FUNCTIONS)
            raise ExpressionError(
                token.at, "unknown_function", f"There is no function {quoted(str(token.value))}.{hint}"
            )
        self._take()
        arguments = self._listed(")", self._expression)
        function = FUNCTIONS[name]
        if not function.required <= len(arguments) <= len(function.parameters):
            raise ExpressionError(token.at, "wrong_arguments", f"“{name}” takes {function.takes}.")
        return self._made(Call, name, arguments, at=token.at, below=arguments)
