"""What has been entered in the steps of “Add API”, kept in the session until it is deployed."""

import zlib
from base64 import b64decode, b64encode
from typing import Any

from django.http import HttpRequest

from portal.catalog.openapi.checks import OpenApi
from portal.catalog.services import NewApi

STEPS = ("gateway", "api", "endpoint", "review")


class AddApiState:
    """The entries of one person in one environment: by step the values as they were typed, and whether they are good.

    A specification is kept packed, since the session is read on every request.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._session = request.session
        self._key = f"add_api:{request.environment.pk}"  # type: ignore[attr-defined]

    @property
    def _entries(self) -> dict[str, Any]:
        return self._session.get(self._key, {})

    def typed(self, step: str) -> dict[str, Any]:
        """Return what was typed in a step."""
        return dict(self._entries.get(step, {}).get("typed", {}))

    def values(self, step: str) -> dict[str, Any]:
        """Return the checked values of a step; empty when it is not done."""
        return dict(self._entries.get(step, {}).get("values", {}))

    def keep(self, step: str, typed: dict[str, Any], values: dict[str, Any] | None = None) -> None:
        """Keep what was typed and, when it is good, its values."""
        self._session[self._key] = self._entries | {step: {"typed": typed, "values": values or {}}}

    def clear(self) -> None:
        """Forget everything."""
        self._session.pop(self._key, None)

    def first_open(self) -> str:
        """Return the first step that is not done."""
        return next((step for step in STEPS[:-1] if not self.values(step)), STEPS[-1])


def packed(new: NewApi) -> dict[str, str]:
    """Return a new API as the session keeps it."""
    source = new.source.source if isinstance(new.source, OpenApi) else new.source
    return {
        "name": new.name,
        "version": new.version,
        "layer": new.layer,
        "visibility": new.visibility,
        "summary": new.summary,
        "source": b64encode(zlib.compress(source.encode())).decode() if source else "",
    }


def unpacked(values: dict[str, str]) -> NewApi:
    """Return the new API that `packed` packed."""
    source = zlib.decompress(b64decode(values["source"])).decode() if values["source"] else ""
    return NewApi(**(values | {"source": source}))
