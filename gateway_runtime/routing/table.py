"""The APIs of one port by base path."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gateway_runtime.routing.compiled import CompiledApi
from gateway_runtime.routing.plainest import has_other_reading, plainest

__all__ = ["CompiledApi", "OverlapError", "PortTable"]


class OverlapError(ValueError):
    """Two APIs of one port have the same base path."""

    def __init__(self, base_path: bytes, first: CompiledApi, second: CompiledApi) -> None:
        shown = base_path.decode() or "/"
        super().__init__(f"“{first.name}” and “{second.name}” have the same base path {shown} on the same port.")
        self.first = first
        self.second = second


class PortTable:
    """Finds the API with the longest base path that ends on a segment boundary of the request's path.

    The cost grows with the path's segments (at most those of the deepest base path), never with the number of APIs.
    """

    __slots__ = ("_by_path", "_levels", "_root")

    def __init__(self, by_path: dict[bytes, CompiledApi]) -> None:
        self._by_path = by_path
        self._root = by_path.get(b"")
        self._levels = range(max((path.count(b"/") for path in by_path), default=0))

    @classmethod
    def build(cls, apis: Iterable[CompiledApi]) -> PortTable:
        """Make the table of one port. Raises `OverlapError`."""
        by_path: dict[bytes, CompiledApi] = {}
        for api in apis:
            if api.base_path in by_path:
                raise OverlapError(api.base_path, by_path[api.base_path], api)
            by_path[api.base_path] = api
        return cls(by_path)

    def apis(self) -> Collection[CompiledApi]:
        """Return its APIs."""
        return self._by_path.values()

    def find(self, path: bytes) -> CompiledApi | None:
        """Return the API that owns this canonical path, None where another reading of it belongs to another API."""
        found = self._find(path)
        # A service may take `/orders;x` for `/orders`: then it must not come to it through an API with other policies.
        if has_other_reading(path) and self._find(plainest(path)) is not found:
            return None
        return found

    def _find(self, path: bytes) -> CompiledApi | None:
        by_path = self._by_path
        found = self._root
        end = 0
        for _ in self._levels:
            end = path.find(b"/", end + 1)
            if end < 0:
                return by_path.get(path, found)
            api = by_path.get(path[:end])
            if api is not None:
                found = api
        return found
