"""From text to tokens, each with its position. Only ASCII outside strings: no two letters that look the same."""

import re
from typing import NamedTuple

from gateway_runtime.expressions.errors import ExpressionError

WORDS = frozenset({"and", "default", "else", "false", "if", "not", "null", "or", "true"})
_SKIPPED = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*(?:[^*]|\*(?!/))*+\*/)*+")
_NAME = re.compile(r"\$\$?\$?|[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SIGN = re.compile(r"\+\+|--|->|==|!=|<=|>=|[<>!+\-*/=?\[\](){},.:]")
_PLAIN = re.compile(r"[^\\'\"`$]+")
_HEX = re.compile(r"[0-9A-Fa-f]{4}")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/"}
# What people know from other languages, and what it is here.
_OTHERWISE = {
    "&": "Write “and”.", "|": "Write “or”.", "#": "“#[” stands only at the beginning.", "~": "Write “==” to compare.",
}  # fmt: skip
_EXACT = 2**53


class Token(NamedTuple):
    """`kind` is "name", "word", "sign", "text", "number" or "end"; `value` is the text or the number it stands for."""

    kind: str
    value: str | int | float
    at: int
    end: int


class Lexer:
    """Reads one token after the other from a position of a setting."""

    def __init__(self, source: str, position: int = 0) -> None:
        self.source = source
        self.position = position

    def next(self) -> Token:
        """Return the next token, "end" at the end of the setting. Raises `ExpressionError`."""
        skipped = _SKIPPED.match(self.source, self.position)
        at = self.position = skipped.end() if skipped else self.position
        if at >= len(self.source):
            return Token("end", "", at, at)
        first = self.source[at]
        if found := _NAME.match(self.source, at):
            return self._token("word" if found[0] in WORDS else "name", found[0], at, found.end())
        if found := _NUMBER.match(self.source, at):
            return self._token("number", _number(found[0], at), at, found.end())
        if first in "'\"`":
            return self._text(first, at)
        if self.source.startswith("/*", at):
            raise ExpressionError(at, "not_closed", "This comment has no end. Write “*/” after it.")
        if found := _SIGN.match(self.source, at):
            return self._token("sign", found[0], at, found.end())
        otherwise = _OTHERWISE.get(first, "")
        shown = first if first.isprintable() else f"U+{ord(first):04X}"
        raise ExpressionError(at, "unknown_sign", f"“{shown}” means nothing here. {otherwise}".rstrip())

    def _token(self, kind: str, value: str | int | float, at: int, end: int) -> Token:
        self.position = end
        return Token(kind, value, at, end)

    def _text(self, quote: str, start: int) -> Token:
        source, at = self.source, start + 1
        parts: list[str] = []
        while at < len(source):
            if plain := _PLAIN.match(source, at):
                parts.append(plain[0])
                at = plain.end()
            elif source[at] == quote:
                return self._token("text", "".join(parts), start, at + 1)
            elif source[at] == "\\":
                part, at = self._escape(at)
                parts.append(part)
            elif source.startswith("$(", at):
                message = "Texts are joined by “++”, not by “$(…)”. For the signs themselves write “\\$(”."
                raise ExpressionError(at, "no_interpolation", message)
            else:
                parts.append(source[at])
                at += 1
        raise ExpressionError(start, "not_closed", f"This text has no end. Write {quote} after it.")

    def _escape(self, at: int) -> tuple[str, int]:
        sign = self.source[at + 1 : at + 2]
        if sign and sign in "\\'\"`$":
            return sign, at + 2
        if sign in _ESCAPES:
            return _ESCAPES[sign], at + 2
        if sign == "u":
            digits = _HEX.match(self.source, at + 2)
            if digits is None:
                raise ExpressionError(at, "bad_escape", "“\\u” is followed by four hexadecimal digits.")
            code = int(digits[0], 16)
            if 0xD800 <= code <= 0xDFFF:
                message = "Half of a pair of code units is no character. Write the character itself."
                raise ExpressionError(at, "bad_escape", message)
            return chr(code), at + 6
        message = "A backslash is followed by n, t, r, b, f, u, /, $, a quote or another backslash."
        raise ExpressionError(at, "bad_escape", message)


def _number(text: str, at: int) -> int | float:
    """Return a number as a 64-bit float has it; a whole one that it holds exactly is an int, which is shown shorter."""
    # Only so many digits are read as a whole number: more cannot be exact.
    if text.isdecimal() and len(text) <= 16 and int(text) <= _EXACT:
        return int(text)
    number = float(text)
    if number == float("inf"):
        raise ExpressionError(at, "number_too_large", "This number is larger than a 64-bit float can be.")
    return number
