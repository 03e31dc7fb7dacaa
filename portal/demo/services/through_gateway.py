"""How one API of the company calls another: through the gateway, like everybody else."""

import http.client
import json
import threading
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from portal.demo.services.server import ServiceError

TIMEOUT_S = 5.0


class GatewayClient:
    """Calls APIs below the gateway's address; each thread keeps its connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._thread = threading.local()

    def get(self, api: str, *path: str, **query: Any) -> Any:
        """Return a document of another API; its 404 is ours too, every other failure is a 502 that names the API."""
        target = "/" + "/".join([api, *(quote(part, safe="") for part in path)])
        if query:
            target += "?" + urlencode(query)
        try:
            status, content = self._exchange(target)
            document = json.loads(content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ServiceError(502, "dependency_failed", f"The API {api} does not answer.", dependency=api) from error
        if status == 200:
            return document
        detail = document.get("detail", "") if isinstance(document, dict) else ""
        if status == 404:
            raise ServiceError(404, "not_found", detail or f"The API {api} does not know it.", dependency=api)
        sentence = f"The API {api} answered {status}."
        raise ServiceError(502, "dependency_failed", sentence, dependency=api, dependencyStatus=status)

    def status(self, target: str) -> int:
        """Return how a path below the gateway's address is answered; raises `OSError` when it is not."""
        try:
            return self._exchange(target)[0]
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error

    def _exchange(self, target: str) -> tuple[int, bytes]:
        for fresh in (False, True):
            connection = None if fresh else getattr(self._thread, "connection", None)
            reused = connection is not None
            if connection is None:
                connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
            self._thread.connection = None
            try:
                connection.request("GET", target, headers={"Accept": "application/json"})
                response = connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                # A kept connection can have been closed by the other side meanwhile; a GET may be sent again.
                if reused:
                    continue
                raise
            self._thread.connection = connection
            return response.status, content
        raise http.client.HTTPException
