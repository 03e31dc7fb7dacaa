"""The conditions of a document compiled to RE2: linear time, whole-string, and no for what it cannot read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import Any

import re2

from gateway_runtime.schema.document import Rule

# Asked for only when a rule looks at headers.
Headers = Callable[[], Sequence[tuple[bytes, bytes]]]

_ANYTHING = frozenset({"", ".*", "(?s).*", "^.*$"})
# Methods whose verdict is known when the rule is compiled; any other is matched when it comes.
_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS")


class RuleError(ValueError):
    """A pattern of a rule is not valid RE2. `path` names the field."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def _options() -> Any:
    # Bytes as Latin-1: every byte is one character, so no byte of a header can make a match fail open.
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.dot_nl = True
    options.max_mem = 1 << 20
    return options


OPTIONS = _options()


def _compile(pattern: str, field: str) -> Any | None:
    if pattern in _ANYTHING:
        return None
    try:
        return re2.compile(pattern.encode(), OPTIONS)
    except re2.error as error:
        raise RuleError(field, f"“{pattern}” is not a valid RE2 pattern.") from error


class CompiledRule:
    """One rule. `path`, `host` and `methods` are None where the rule holds for all."""

    __slots__ = ("groups", "headers", "host", "known_methods", "methods", "path", "path_pattern")

    def __init__(self, rule: Rule) -> None:
        self.path = _compile(rule.path, "path")
        self.path_pattern = b".*" if self.path is None else rule.path.encode()
        self.groups = 0 if self.path is None else self.path.groups
        self.host = _compile(rule.host, "host")
        self.methods = _compile(rule.methods, "methods")
        self.known_methods = frozenset(
            method for method in _METHODS if self.methods is None or self.methods.fullmatch(method)
        )
        # A header named with `.*` still has to be there.
        self.headers = tuple(
            (name.lower().encode(), _compile(pattern, f"headers.{name}")) for name, pattern in rule.headers.items()
        )

    def always(self) -> bool:
        """Tell whether this rule holds for every request and changes no path."""
        return self.path is None and self.host is None and self.methods is None and not self.headers

    def besides_path(self) -> CompiledRule | None:
        """Return what is left to ask where the path is known to hold; None: nothing. Groups have to be found anew."""
        if self.groups:
            return self
        rest = copy(self)
        rest.path = None
        return None if rest.always() else rest

    def match(self, method: bytes, path: bytes, host: bytes, headers: Headers) -> bytes | None:
        """Return what is sent on of `path` (its captured groups, or all of it), or None when the rule does not hold.

        `path` has lost its base path and starts with a slash; `host` is in lower case and without its port.
        """
        if method not in self.known_methods and (method in _METHODS or not self._method_holds(method)):
            return None
        if self.host is not None and self.host.fullmatch(host) is None:
            return None
        if self.headers and not self._headers_hold(headers()):
            return None
        if self.path is None:
            return path
        found = self.path.fullmatch(path)
        if found is None:
            return None
        if not self.groups:
            return path
        return b"".join([group for group in found.groups() if group is not None])

    def _headers_hold(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        for name, pattern in self.headers:
            values = [value for key, value in headers if key == name]
            if not values or (pattern is not None and pattern.fullmatch(b",".join(values)) is None):
                return False
        return True

    def _method_holds(self, method: bytes) -> bool:
        return self.methods is None or self.methods.fullmatch(method) is not None


def compile_rules(rules: Iterable[Rule]) -> tuple[CompiledRule, ...] | None:
    """Compile a list of alternatives. None: it holds for every request (no rules, or the first one is all `.*`).

    Raises `RuleError` for a pattern that RE2 does not accept.
    """
    compiled = tuple(CompiledRule(rule) for rule in rules)
    if not compiled or compiled[0].always():
        return None
    return compiled


def rules_hold(
    rules: tuple[CompiledRule, ...] | None,
    method: bytes,
    path: bytes,
    host: bytes,
    headers: Sequence[tuple[bytes, bytes]],
) -> bool:
    """Tell whether any of the alternatives holds."""
    if rules is None:
        return True
    return any(rule.match(method, path, host, lambda: headers) is not None for rule in rules)
