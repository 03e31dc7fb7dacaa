"""Serves the front-end packages' files: exactly those named here, from `node_modules`, under `/static/packages/`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

# Path under /static/packages/ → path under node_modules/.
FILES = {
    "tabler/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler/tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "echarts/echarts.min.js": "echarts/dist/echarts.min.js",
    "scalar/api-reference.js": "@scalar/api-reference/dist/browser/standalone.js",
}


class _PackageStorage(FileSystemStorage):
    """Opens a package file by the name it is served under."""

    prefix = ""

    def path(self, name: str) -> str:
        """Return where the file with this served name lies."""
        return str(settings.NODE_MODULES / FILES[name.removeprefix("packages/")])


class PackageFinder(BaseFinder):
    """Finds the files of `FILES` for collectstatic and for whitenoise."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.storage = _PackageStorage()

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Return the path of a served name, or nothing."""
        source = FILES.get(path.removeprefix("packages/")) if path.startswith("packages/") else None
        found = settings.NODE_MODULES / source if source else None
        if found is None or not Path(found).is_file():
            return []
        return [str(found)] if find_all else str(found)

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[tuple[str, FileSystemStorage]]:
        """Yield every file that is installed."""
        for name, source in FILES.items():
            if (settings.NODE_MODULES / source).is_file():
                yield f"packages/{name}", self.storage
