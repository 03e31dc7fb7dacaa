"""How much a JSON document may have of each, and what is said of one that has more."""

from typing import Final

MALFORMED: Final = "json_malformed"
TOO_DEEP: Final = "json_too_deep"
TOO_MANY_ENTRIES: Final = "json_too_many_entries"
NAME_TOO_LONG: Final = "json_name_too_long"
TOO_MANY_ELEMENTS: Final = "json_too_many_elements"
STRING_TOO_LONG: Final = "json_string_too_long"

ANY_NUMBER = float("inf")


class Limits:
    """The five limits. A negative one holds nothing back."""

    __slots__ = ("depth", "elements", "entries", "name", "string")

    def __init__(self, *, depth: int, entries: int, name: int, elements: int, string: int) -> None:
        self.depth: float = depth if depth >= 0 else ANY_NUMBER
        self.entries: float = entries if entries >= 0 else ANY_NUMBER
        self.name: float = name if name >= 0 else ANY_NUMBER
        self.elements: float = elements if elements >= 0 else ANY_NUMBER
        self.string: float = string if string >= 0 else ANY_NUMBER
