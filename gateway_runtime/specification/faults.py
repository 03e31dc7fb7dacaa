"""What makes a specification unusable."""


class SpecificationFault(ValueError):
    """A specification cannot be used. Its text is one sentence for whoever has written it."""


def shown(pointer: str) -> str:
    """Return a reference or a name from a specification for a sentence, cut where it is long."""
    return pointer if len(pointer) <= 120 else pointer[:119] + "…"
