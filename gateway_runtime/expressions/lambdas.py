"""Reading what a loop does with each part: `(item, index) -> …`, or one expression in which `$` is the part."""

from typing import Any

from gateway_runtime.expressions.errors import ExpressionError, quoted
from gateway_runtime.expressions.functions import function_name
from gateway_runtime.expressions.loops import LOOPS, loop_name
from gateway_runtime.expressions.scope import ROOTS
from gateway_runtime.expressions.tokens import Tokens
from gateway_runtime.expressions.tree import Loop, Node

SHORT_NAMES = ("$", "$$", "$$$")
# So many around a function are looked through.
_BRACKETS = 4


class Lambdas(Tokens):
    """The part of the parser that reads loops. `_expression` and `_whole` are those of the whole grammar."""

    _expression: Any
    _whole: Any

    def __init__(self, source: str, position: int = 0) -> None:
        super().__init__(source, position)
        # Names that the expression gives itself, as many times as they are known where the parser stands.
        self._own: dict[str, None] = {}

    def lexed_again(self, position: int) -> Any:
        """Return a parser of the same setting at another place, which knows the same names."""
        other = type(self)(self._lexer.source, position)
        other._own = self._own
        return other

    def _loop(self, name: str, whole: Node, at: int) -> Node:
        """Read what stands behind the name of a loop that follows its value."""
        if self._is_lambda():
            return self._lambda(name, whole, at)
        if self._is("(") and self._opens_lambda():
            self._take()
            node = self._loop(name, whole, at)
            self._expect(")", "after the function")
            return node
        parameters = SHORT_NAMES[: LOOPS[name].takes]
        body = self._within(parameters, self._whole)
        implicit: Node = self._made(Loop, name, whole, parameters, body, None, at=at, below=(whole, body))
        return implicit

    def _called_loop(self, name: str, at: int) -> Node:
        """Read `map(list, (item) -> …)`, from the first bracket."""
        self._take()
        whole = self._expression()
        self._expect(",", "and a function of its parts")
        node = self._loop(name, whole, at)
        self._expect(")", "after this")
        return node

    def _is_lambda(self) -> bool:
        following = self._behind_brackets() if self._is("(") else None
        return following is not None and following.value == "->" and following.kind == "sign"

    def _opens_lambda(self) -> bool:
        """Tell whether a function stands behind the bracket that is next, or behind a few."""
        inner = self
        for _ in range(_BRACKETS):
            if not inner._is("(") or inner._after(inner._token.end) is None:
                return False
            inner = self.lexed_again(inner._token.end)
            if inner._is_lambda():
                return True
        return False

    def _lambda(self, name: str, whole: Node, at: int) -> Node:
        begin = self._take().at
        names: list[str] = []
        start: Node | None = None
        while not self._is(")"):
            if start is not None:
                raise self._unexpected("“)” is missing after the value that the last name begins with")
            names.append(self._parameter(names))
            if self._is("=") and name == "reduce" and len(names) == 2:
                self._take()
                start = self._expression()
            if not self._is(")"):
                self._expect(",", "or “)”")
        self._take()
        if not 1 <= len(names) <= LOOPS[name].takes:
            takes = LOOPS[name].takes
            words = "one value" if takes == 1 else f"one to {takes} values"
            raise ExpressionError(begin, "wrong_arguments", f"The function of “{name}” takes {words}.")
        self._expect("->", "after the names of the function")
        body = self._within(tuple(names), self._expression)
        below = (whole, body) if start is None else (whole, body, start)
        node: Node = self._made(Loop, name, whole, tuple(names), body, start, at=at, below=below)
        return node

    def _parameter(self, names: list[str]) -> str:
        token = self._token
        if token.kind != "name" or "::" in str(token.value) or str(token.value).startswith("$"):
            raise self._unexpected("A name is missing here")
        self._take()
        return self.own_name(str(token.value), token.at, names)

    def own_name(self, name: str, at: int, others: Any = ()) -> str:
        """Return a name that an expression may give itself. Raises `ExpressionError`."""
        if name in ROOTS or name in others or function_name(name) is not None or loop_name(name) is not None:
            raise ExpressionError(at, "name_taken", f"{quoted(name)} already means something here: take another name.")
        return name

    def _within(self, names: tuple[str, ...], read: Any) -> Any:
        """Read something in which these names are known."""
        before = self._own.copy()
        self._own.update(dict.fromkeys(names))
        node = read()
        self._own = before
        return node
