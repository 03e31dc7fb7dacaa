"""A specification compiled once: from a request to its operation."""

import hashlib
from collections import OrderedDict
from functools import lru_cache
from typing import Any, NamedTuple

from gateway_runtime.specification.faults import SpecificationFault, shown
from gateway_runtime.specification.operations import Operation
from gateway_runtime.specification.paths import PathTable
from gateway_runtime.specification.reading import read
from gateway_runtime.specification.references import References
from gateway_runtime.specification.schemas import Schemas

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
MOST_OPERATIONS = 5_000
# Texts of which it is remembered whether they can be used. A publish asks for each one again.
REMEMBERED = 10_000


class Match(NamedTuple):
    """The operations at a path by their methods, and the parts of the path that are its parameters."""

    operations: dict[bytes, Operation]
    parameters: dict[str, str]


class Specification:
    """All operations of one document. `references` finds what their answers refer to."""

    __slots__ = ("_paths", "is_3_0", "operations", "references")

    def __init__(self, text: str) -> None:
        document, self.is_3_0 = read(text)
        self.references = References(document)
        self.operations: list[dict[bytes, Operation]] = []
        self._paths = PathTable()
        schemas = Schemas(self.references, is_3_0=self.is_3_0)
        claimed = _keys_in_queries(document, self.references)
        paths = self.references.object(document.get("paths"), "“paths”")
        count = 0
        for template, item in paths.items():
            if template.startswith("x-"):
                continue
            item = self.references.object(item, f"The path “{shown(template)}”")
            operations: dict[bytes, Operation] = {}
            names = self._paths.add(template, operations)
            for method in METHODS:
                described = item.get(method)
                if described is None:
                    continue
                if not isinstance(described, dict):
                    raise SpecificationFault(f"An operation of the path “{shown(template)}” is no object.")
                shared = item.get("parameters") or []
                try:
                    made = Operation(described, shared, names, self.references, schemas, claimed)
                except SpecificationFault as fault:
                    raise SpecificationFault(f"{method.upper()} {shown(template)}: {fault}") from None
                except (TypeError, AttributeError):
                    message = f"{method.upper()} {shown(template)}: it is not described as OpenAPI has it."
                    raise SpecificationFault(message) from None
                operations[method.upper().encode()] = made
                count += 1
                if count > MOST_OPERATIONS:
                    raise SpecificationFault(f"The specification has more than {MOST_OPERATIONS} operations.")
            self.operations.append(operations)

    def find(self, path: str) -> Match | None:
        """Return what is at a path, None where the specification has no such one."""
        found = self._paths.find(path)
        return None if found is None else Match(*found)


def operation_for(operations: dict[bytes, Operation], method: bytes) -> Operation | None:
    """Return the operation of a method. HEAD is GET without the body where nobody says otherwise."""
    found = operations.get(method)
    return operations.get(b"GET") if found is None and method == b"HEAD" else found


@lru_cache(maxsize=4)
def compile_specification(text: str) -> Specification:
    """Compile a specification; the last few are kept for other policies that name them. Raises `SpecificationFault`."""
    return Specification(text)


_faults: OrderedDict[bytes, str] = OrderedDict()


def check_specification(text: str) -> None:
    """Raise `SpecificationFault` where a specification cannot be used. Asking again costs little."""
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    fault = _faults.get(key)
    if fault is None:
        try:
            compile_specification(text)
            fault = ""
        except SpecificationFault as found:
            fault = str(found)
        _faults[key] = fault
        if len(_faults) > REMEMBERED:
            _faults.popitem(last=False)
    if fault:
        raise SpecificationFault(fault)


def _keys_in_queries(document: dict[str, Any], references: References) -> list[str]:
    """Return the query parameters that hold API keys, which are described apart from the others."""
    components = references.object(document.get("components"), "“components”")
    schemes = references.object(components.get("securitySchemes"), "“securitySchemes”")
    found = [references.object(each, "A security scheme") for each in schemes.values()]
    return [str(each["name"]) for each in found if each.get("in") == "query" and "name" in each]
