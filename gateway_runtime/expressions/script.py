"""Scripts of the transformation policies: an expression without `#[…]`, behind an optional header.

```
%dw 2.0
output application/json
---
{ id: payload.id }
```

Of the header only the version and the output are known; functions, variables and imports of other modules are not part
of the language.
"""

import re
from dataclasses import dataclass

from gateway_runtime.expressions.errors import ExpressionError
from gateway_runtime.expressions.expression import Expression, check_source, compile_tree
from gateway_runtime.expressions.parser import Parser
from gateway_runtime.expressions.scope import Scope
from gateway_runtime.schema.expression import Gives

_SEPARATOR = re.compile(r"^---[ \t]*$", re.MULTILINE)
_OUTPUT = re.compile(r"output[ \t]+([A-Za-z0-9.+*-]+/[A-Za-z0-9.+*-]+)")
_VERSION = re.compile(r"%dw[ \t]+2\.[0-9]+")


@dataclass(frozen=True, slots=True)
class Script:
    """A compiled script. `output` is the media type that it declares, empty without."""

    expression: Expression
    output: str = ""


def compile_script(source: str, scope: Scope, gives: Gives = Gives.ANY) -> Script:
    """Compile a script. Raises `ExpressionError`."""
    check_source(source)
    output, begin = _header(source)
    tree, _ = Parser(source, begin).read()
    return Script(compile_tree(source, tree, scope, gives), output)


def _header(source: str) -> tuple[str, int]:
    """Return the declared output and where the expression begins."""
    separator = _SEPARATOR.search(source)
    if separator is None:
        if source.lstrip().startswith(("%dw", "output ")):
            raise ExpressionError(len(source), "no_separator", "A line “---” is missing between header and script.")
        return "", 0
    output, at = "", 0
    for line in source[: separator.start()].split("\n"):
        directive = line.strip()
        if found := _OUTPUT.fullmatch(directive):
            output = found[1]
        elif directive and not directive.startswith("//") and not _VERSION.fullmatch(directive):
            begin = at + len(line) - len(line.lstrip())
            message = (
                "The header of a script has “%dw 2.0” and “output type/subtype”, each on a line, and nothing else."
            )
            raise ExpressionError(begin, "unknown_directive", message)
        at += len(line) + 1
    return output, separator.end()
