"""A portal as commands ask it: over its REST interface, with a token."""

from collections.abc import Iterator
from typing import Any, Self

import httpx2

SECONDS = 30.0
UNKNOWN_TOKEN = "The portal does not know this token. Make one under Account → API tokens."  # noqa: S105
NO_TOKEN = "Set PORTICO_TOKEN to an API token. Make one under Account → API tokens."  # noqa: S105


class PortalError(Exception):
    """It cannot be had. The message is one sentence for whoever asked, `fields` the sentences about parts of it."""

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}


class PortalClient:
    """One portal, for as long as a command runs. Every method raises `PortalError`."""

    def __init__(self, *, portal: str, token: str, transport: httpx2.BaseTransport | None = None) -> None:
        if not token.isascii():  # no header can hold it
            raise PortalError(UNKNOWN_TOKEN)
        self._portal = portal
        self._client = httpx2.Client(
            base_url=portal, headers={"authorization": f"Bearer {token}"}, timeout=SECONDS, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **params: str) -> Any:
        """Return what is at a path."""
        return self._ask("GET", path, params=params)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send a body and return the answer."""
        return self._ask("POST", path, json=body)

    def every(self, path: str, **params: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of all pages of a list."""
        number = 1
        while True:
            found = self.get(path, **params, page=str(number))
            try:
                rows, more = found["results"], found["next"]
            except (KeyError, TypeError):
                raise self._no_portal(200) from None
            yield from rows
            if not more:
                return
            number += 1

    def _ask(self, method: str, path: str, **given: Any) -> Any:
        try:
            answer = self._client.request(method, path, **given)
        except httpx2.HTTPError as error:
            raise PortalError(f"The portal at {self._portal} cannot be reached: {type(error).__name__}.") from error
        if answer.status_code == 401:
            raise PortalError(UNKNOWN_TOKEN)
        try:
            found = answer.json()
            if answer.status_code < 400:
                return found
            raise PortalError(str(found["message"]), dict(found.get("fields") or {}))
        except (ValueError, KeyError, TypeError):
            raise self._no_portal(answer.status_code) from None

    def _no_portal(self, status: int) -> PortalError:
        return PortalError(f"There is no portal at {self._portal}: it answers with status {status}.")
