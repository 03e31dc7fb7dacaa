"""Questions about the catalog."""

from dataclasses import dataclass
from typing import Any

from portal.catalog.models import Specification

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of a specification, as a list shows it."""

    method: str
    path: str
    summary: str
    deprecated: bool


def specification_operations(specification: Specification) -> list[tuple[str, list[Operation]]]:
    """Return the operations by their first tag, in the order they are written; those without tag under ""."""
    groups: dict[str, list[Operation]] = {}
    for path, item in (specification.document.get("paths") or {}).items():
        if not isinstance(item, dict):
            continue
        for method in METHODS:
            operation = item.get(method)
            if isinstance(operation, dict):
                tag = str((operation.get("tags") or [""])[0])
                groups.setdefault(tag, []).append(_operation(method, path, operation))
    return list(groups.items())


def _operation(method: str, path: str, operation: dict[str, Any]) -> Operation:
    summary = operation.get("summary") or operation.get("operationId") or ""
    return Operation(
        method=method.upper(), path=path, summary=str(summary), deprecated=operation.get("deprecated") is True
    )
