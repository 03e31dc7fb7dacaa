"""References inside a document. Nothing outside it is ever looked at."""

from typing import Any
from urllib.parse import unquote

from gateway_runtime.specification.faults import SpecificationFault, shown


class References:
    """Finds the parts of one document by their JSON pointers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def find(self, reference: Any) -> Any:
        """Return the part that a reference names. Raises `SpecificationFault`."""
        if not isinstance(reference, str):
            raise SpecificationFault("A “$ref” of the specification is not text.")
        if reference == "#":
            return self._document
        if not reference.startswith("#/"):
            raise SpecificationFault(
                f"The reference “{shown(reference)}” leads out of the specification: only “#/…” is followed."
            )
        part: Any = self._document
        for step in reference[2:].split("/"):
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(part, dict) and key in part:
                part = part[key]
            elif isinstance(part, list) and key.isascii() and key.isdigit() and int(key[:6]) < len(part):
                part = part[int(key[:6])]
            else:
                raise SpecificationFault(f"The reference “{shown(reference)}” leads to nothing.")
        return part

    def follow(self, part: Any) -> Any:
        """Return a part, or what its `$ref` finally leads to. Raises `SpecificationFault`."""
        seen: set[str] = set()
        while isinstance(part, dict) and "$ref" in part:
            reference = part["$ref"]
            if reference in seen:
                raise SpecificationFault(f"The reference “{shown(reference)}” leads back to itself.")
            part = self.find(reference)
            seen.add(reference)
        return part

    def object(self, part: Any, what: str) -> dict[str, Any]:
        """Return a part that has to be an object, its reference followed; {} for nothing there."""
        found = self.follow(part)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise SpecificationFault(f"{what} in the specification is no object.")
        return found
