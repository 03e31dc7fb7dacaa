"""What is wrong with a specification, said so that its author can mend it."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.core.errors import ApplicationError

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `pointer` is an RFC 6901 pointer into the document, `line` counts from 1; None where not known."""

    code: str
    message: str
    pointer: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = [f"line {self.line}"] if self.line else []
        place += [self.pointer] if self.pointer else []
        where = ", ".join(place)
        return f"{where[0].upper()}{where[1:]}: {self.message}" if where else self.message


class SpecificationRefused(ApplicationError):
    """A specification cannot be taken, with its first faults beside the field `source`."""

    def __init__(self, faults: Sequence[Fault], *, field: str = "source") -> None:
        self.faults = tuple(faults)
        shown = "\n".join(str(fault) for fault in faults[:SHOWN])
        more = f"\nAnd {len(faults) - SHOWN} more." if len(faults) > SHOWN else ""
        message = "The specification was not imported. Mend what is named and import it again."
        super().__init__(faults[0].code, message, fields={field: shown + more})


def refuse(code: str, message: str, *, pointer: str = "", line: int | None = None) -> SpecificationRefused:
    """Return the error for a single fault."""
    return SpecificationRefused([Fault(code=code, message=message, pointer=pointer, line=line)])


def pointer_to(path: Sequence[str | int]) -> str:
    """Return the RFC 6901 pointer of a path."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
