"""Scripts of the transformation policies: an expression without `#[…]`, behind an optional header.

```
%dw 2.0
output application/json
---
{ id: payload.id }
```

A header has the version, the output, and variables (`var name = value`), which may take several lines. Functions and
imports of other modules are not part of the language.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway_runtime.expressions.errors import ExpressionError, quoted
from gateway_runtime.expressions.expression import Expression, check_source, compile_tree
from gateway_runtime.expressions.parser import Parser
from gateway_runtime.expressions.scope import Scope
from gateway_runtime.schema.expression import Gives

_SEPARATOR = re.compile(r"^---[ \t\r]*$", re.MULTILINE)
_OUTPUT = re.compile(r"output[ \t]+([A-Za-z0-9.+*-]+/[A-Za-z0-9.+*-]+)")
_VARIABLE = re.compile(r"var[ \t]+([A-Za-z_][A-Za-z0-9_]*)[ \t]*=(?!=)")
_DIRECTIVES = (
    "The header of a script has “%dw 2.0”, “output type/subtype” and “var name = value”, each on a line of its own."
)
_VERSION = re.compile(r"%dw[ \t]+2\.[0-9]+")


def compile_script(source: str, scope: Scope, gives: Gives = Gives.ANY, outputs: Sequence[str] = ()) -> Expression:
    """Compile a script. `outputs` are the media types that it may declare (none: any). Raises `ExpressionError`."""
    check_source(source)
    header = _header(source, outputs)
    tree = Parser(source, header.begin).read_variables(source[: header.end], header.variables)
    return replace(compile_tree(source, tree, scope, gives), output=header.output)


@dataclass(slots=True)
class _Header:
    """`variables` are names, their places, and where their values begin; `begin` is where the expression does, and
    `end` where the header ends."""

    begin: int = 0
    end: int = 0
    output: str = ""
    variables: list[tuple[str, int, int]] = field(default_factory=list)


def _header(source: str, outputs: Sequence[str]) -> _Header:
    separator = _SEPARATOR.search(source)
    header = _Header()
    if separator is None:
        if source.lstrip().startswith(("%dw", "output ", "var ")):
            raise ExpressionError(len(source), "no_separator", "A line “---” is missing between header and script.")
        return header
    header.begin, header.end = separator.end(), separator.start()
    at = 0
    for line in source[: separator.start()].split("\n"):
        directive = line.strip()
        begin = at + len(line) - len(line.lstrip())
        if found := _OUTPUT.fullmatch(directive):
            header.output = _known_output(found[1], begin + found.start(1), outputs)
        elif found := _VARIABLE.match(directive):
            header.variables.append((found[1], begin + found.start(1), begin + found.end()))
        elif (
            directive and not header.variables and not directive.startswith("//") and not _VERSION.fullmatch(directive)
        ):
            raise ExpressionError(begin, "unknown_directive", _DIRECTIVES)
        at += len(line) + 1
    return header


def _known_output(output: str, at: int, outputs: Sequence[str]) -> str:
    if outputs and not any(output == each or (each[0] == "*" and output.endswith(each[1:])) for each in outputs):
        message = f"This gateway does not write {quoted(output)}. It writes {', '.join(outputs)}."
        raise ExpressionError(at, "unknown_output", message)
    return output
