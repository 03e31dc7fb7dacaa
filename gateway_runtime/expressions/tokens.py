"""What the parser stands on: the next token, nodes that are counted, and sentences about what is not expected."""

from collections.abc import Callable
from typing import Any

from gateway_runtime.expressions.errors import ExpressionError, quoted
from gateway_runtime.expressions.lexer import Lexer, Token
from gateway_runtime.expressions.limits import DEPTH, NODES
from gateway_runtime.expressions.tree import Node

# Signs that stand in few places, and what people from other languages mean by them elsewhere.
_MEANT = {
    "=": "Write “==” to compare.",
    "?": "“?” stands only behind a name, as in payload.id?. Write “if (…) … else …” to choose.",
    "->": "“->” stands only behind the names of a function, as in map ((item) -> item.id).",
}


class Tokens:
    """Reads tokens one by one and makes nodes of limited number and depth."""

    def __init__(self, source: str, position: int = 0) -> None:
        self._lexer = Lexer(source, position)
        self._token = self._lexer.next()
        self._nodes = 0
        self._open = 0

    def _is(self, *signs: str) -> bool:
        return self._token.kind in ("sign", "word") and self._token.value in signs

    def _is_name(self, *names: str) -> bool:
        return self._token.kind == "name" and self._token.value in names

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

    def _after(self, position: int) -> Token | None:
        """Return the token at a position without taking it, None where there is none."""
        try:
            return Lexer(self._lexer.source, position).next()
        except ExpressionError:
            return None

    def _behind_brackets(self) -> Token | None:
        """Return the token behind the bracket that closes the one that is next, None where it has no end."""
        depth, token = 0, self._after(self._token.at)
        while token is not None and token.kind != "end":
            if token.kind == "sign":
                depth += (token.value in ("(", "[", "{")) - (token.value in (")", "]", "}"))
            following = self._after(token.end)
            if depth == 0:
                return following
            token = following
        return None

    def _unexpected(self, words: str) -> ExpressionError:
        token = self._token
        if token.kind == "end":
            return ExpressionError(token.at, "unexpected_end", f"{words}.")
        if token.kind == "sign" and token.value in _MEANT:
            return ExpressionError(token.at, "unexpected", _MEANT[str(token.value)])
        shown = self._lexer.source[token.at : token.end]
        return ExpressionError(token.at, "unexpected", f"{words}, there is {quoted(shown)}.")

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
