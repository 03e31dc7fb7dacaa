"""Secrets of a file: it names variables in their place, and what they are stands beside it."""

import re
from dataclasses import dataclass, field
from typing import Any

_match_variable = re.compile(r"\$+[A-Za-z_][A-Za-z0-9_]*").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A secret that a file leaves out. Its value never goes into an answer, a page or a log."""

    name: str
    about: str
    value: str = field(repr=False)


def literal(value: Any) -> Any:
    """Return a value as it is written, so that no text in it is taken for a variable."""
    if isinstance(value, str):
        return f"${value}" if _match_variable(value) else value
    if isinstance(value, dict):
        return {key: literal(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [literal(inner) for inner in value]
    return value


def variable_named(*words: str) -> str:
    """Return the name of a variable made of words: `ORDERS_V1_JWT_VALIDATION_TEXT_KEY`."""
    text = "_".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word) for word in words)
    name = re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")
    return name if name[:1].isalpha() else f"API_{name}"


class Variables:
    """The variables of one file, each name once."""

    def __init__(self) -> None:
        self.all: dict[str, Variable] = {}

    def add(self, value: str, about: str, *words: str) -> str:
        """Keep a secret and return what is written in its place."""
        name = base = variable_named(*words)
        number = 1
        while name in self.all:
            number += 1
            name = f"{base}_{number}"
        self.all[name] = Variable(name=name, about=about, value=value)
        return f"${name}"
