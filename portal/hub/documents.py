"""The specification of a version as the hub hands it out: with the addresses where it can really be called."""

from typing import Any

from portal.catalog.models import Specification
from portal.hub.operations import METHODS
from portal.hub.selectors import Place


def offered_document(specification: Specification, places: list[Place]) -> dict[str, Any]:
    """Return the document with `servers` replaced at every level by the public addresses of the instances.

    The author's own servers are addresses behind the gateway, or none that exist.
    """
    document: dict[str, Any] = dict(specification.document)
    document["servers"] = [
        {
            "url": place.url.rstrip("/"),
            "description": f"{place.instance.environment.name}: {place.instance.gateway.name}",
        }
        for place in places
    ]
    paths = document.get("paths")
    if isinstance(paths, dict):
        document["paths"] = {path: _without_servers(item) for path, item in paths.items()}
    return document


def _without_servers(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    kept = {name: part for name, part in item.items() if name != "servers"}
    for method in METHODS:
        operation = kept.get(method)
        if isinstance(operation, dict):
            kept[method] = {name: part for name, part in operation.items() if name != "servers"}
    return kept
