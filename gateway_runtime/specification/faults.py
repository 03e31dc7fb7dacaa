"""What makes a specification unusable."""

MAX_DEPTH = 100
# With its aliases written out.
MAX_VALUES = 300_000


class SpecificationFault(ValueError):
    """A specification cannot be used. Its text is one sentence for whoever has written it."""


def shown(pointer: str) -> str:
    """Return a reference or a name from a specification for a sentence, cut where it is long."""
    return pointer if len(pointer) <= 120 else pointer[:119] + "…"


def too_deep() -> SpecificationFault:
    """Return the fault of a document that is nested too deep."""
    return SpecificationFault(f"The specification is nested deeper than {MAX_DEPTH} levels.")


def too_many() -> SpecificationFault:
    """Return the fault of a document that holds too much."""
    return SpecificationFault(f"The specification has more than {MAX_VALUES} values, aliases written out.")
