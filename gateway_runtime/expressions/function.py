"""What a function of the language is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway_runtime.expressions.types import Kind, Type

CORE, STRINGS_MODULE = "dw::Core", "dw::core::Strings"
TEXT = Kind.STRING | Kind.NUMBER | Kind.BINARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """`parameters` are names and allowed kinds; null is allowed for the first where `of_null` says what comes out.

    `call` gets the values and raises `Stop` where it cannot go on. One of one or two values that `spends` gets the
    frame behind them, as it may do more than look at each once. One that is `flat` does not even look into them.
    """

    call: Callable[..., Any]
    gives: Type
    parameters: tuple[tuple[str, Kind], ...] = ()
    optional: int = 0
    of_null: Any = None
    constant: bool = True
    spends: bool = False
    flat: bool = False
    modules: tuple[str, ...] = (CORE,)
    choices: tuple[str, ...] = ()  # the only values of the last parameter

    @property
    def required(self) -> int:
        """Return how many values must be given."""
        return len(self.parameters) - self.optional

    @property
    def takes(self) -> str:
        """Say which values it takes."""
        names = [name for name, _ in self.parameters]
        if not names:
            return "no values"
        needed = f"{len(names)} values" if len(names) > 1 else "one value"
        if self.optional:
            needed = f"{self.required} or {len(names)} values"
        return f"{needed}: {', '.join(names)}"
