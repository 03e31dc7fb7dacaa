"""A tree as text again, with brackets around everything that has parts, so that nothing depends on precedence."""

from typing import Any

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

ESCAPES = {"\\": "\\\\", "'": "\\'", "$": "\\$"}


def printed(node: Node) -> str:
    """Return the text of a tree."""
    match node:
        case Literal():
            return _literal(node.value)
        case Name():
            return node.name
        case Select():
            return f"{printed(node.base)}[{printed(node.key)}]"
        case Call():
            return f"{node.name}({', '.join(map(printed, node.arguments))})"
        case Chain():
            return f"({f' {node.operator} '.join(map(printed, node.operands))})"
        case Compare():
            return f"({printed(node.left)} {node.operator} {printed(node.right)})"
        case Not():
            return f"(!{printed(node.operand)})"
        case Choice():
            return f"(if ({printed(node.condition)}) {printed(node.yes)} else {printed(node.no)})"
        case Items():
            return f"[{', '.join(map(printed, node.items))}]"
        case Fields():
            return "{" + ", ".join(f"{_literal(name)}: {printed(each)}" for name, each in node.fields) + "}"


def _literal(value: Any) -> str:
    if type(value) is str:
        return "'" + "".join(ESCAPES.get(sign, sign) for sign in value) + "'"
    return {True: "true", False: "false", None: "null"}[value] if value is None or type(value) is bool else repr(value)
