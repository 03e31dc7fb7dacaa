"""A tree as text again, with brackets around everything that has parts, so that nothing depends on precedence."""

from typing import Any

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
            return "{" + ", ".join(map(_field, node.fields)) + "}"
        case Present():
            return f"({printed(node.base)}[{printed(node.key)}]?)"
        case Calculate():
            return f"({printed(node.left)} {node.operator} {printed(node.right)})"
        case Negative():
            operand = printed(node.operand)
            return f"(-({operand}))" if type(node.operand) is Literal else f"(-{operand})"
        case Typed():
            return f"({printed(node.operand)} {node.operator} {node.type})"
        case Loop():
            if node.parameters[0] == "$":
                return f"{node.name}({printed(node.whole)}, {printed(node.body)})"
            names = [*node.parameters[:-1], _last(node)]
            return f"{node.name}({printed(node.whole)}, ({', '.join(names)}) -> {printed(node.body)})"
    raise AssertionError(node)


def _last(node: Loop) -> str:
    return node.parameters[-1] + ("" if node.start is None else f" = {printed(node.start)}")


def _field(field: Field) -> str:
    pair = f"{_literal(field.key) if isinstance(field.key, str) else f'({printed(field.key)})'}: {printed(field.value)}"
    return pair if field.condition is None else f"({pair}) if {printed(field.condition)}"


def _literal(value: Any) -> str:
    if type(value) is str:
        return "'" + "".join(ESCAPES.get(sign, sign) for sign in value) + "'"
    return {True: "true", False: "false", None: "null"}[value] if value is None or type(value) is bool else repr(value)
