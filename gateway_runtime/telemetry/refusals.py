"""The last refusals of a worker, each with its reason: a few values a request, and not more of them than fit."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from itertools import count
from time import time
from typing import TYPE_CHECKING, Any

from gateway_runtime.schema.trace import Kind, Trace

if TYPE_CHECKING:
    from gateway_runtime.http.caller import Caller
    from gateway_runtime.http.reply import Reply
    from gateway_runtime.policies.results import Response

# Between two flushes, so that a flood of refusals costs portal and Redis no more than this.
KEPT_REFUSALS = 200
LONGEST_PATH = 512


class Refusals:
    """A ring. `dropped` counts those that later ones have pushed out before they were taken.

    Where nobody takes any, none is `wanted`, and none is kept.
    """

    __slots__ = ("_entries", "_now", "_prefix", "_seen", "_unique", "dropped", "wanted")

    def __init__(self, now: Callable[[], float] = time) -> None:
        self._now = now
        self._entries: deque[tuple[Any, ...]] = deque(maxlen=KEPT_REFUSALS)
        self._prefix = os.urandom(8).hex()
        self._unique = count()
        self._seen = 0
        self.dropped = 0
        self.wanted = True

    def keep(self, exchange: Reply, response: Response) -> None:
        """Keep what a request was refused with."""
        if not self.wanted:
            return
        self._seen += 1
        request, api, route, context = exchange.request, exchange.api, exchange.route, exchange.context
        self._entries.append(
            (
                exchange.request_id, response, exchange.client.peer, exchange.state.clock() - exchange.started,
                request.method, request.authority, request.path[:LONGEST_PATH],
                "" if api is None else api.id,
                None if route is None else (route.id, route.name),
                None if context is None else (context.application, context.application_name),
                self._now(),
            )
        )  # fmt: skip

    def keep_unread(self, client: Caller, request_id: bytes, response: Response) -> None:
        """Keep what bytes were refused with that were no request."""
        if not self.wanted:
            return
        self._seen += 1
        self._entries.append((request_id, response, client.peer, 0.0, b"", b"", b"", "", None, None, self._now()))

    def take(self, revision: int) -> list[Trace]:
        """Return what was kept since the last call. `revision` is the one that is served."""
        entries = self._entries
        if not entries:
            return []
        self.dropped += self._seen - len(entries)
        self._seen = 0
        taken = [self._trace(revision, *entry) for entry in entries]
        entries.clear()
        return taken

    def _trace(
        self,
        revision: int,
        request_id: bytes,
        response: Response,
        client: str,
        seconds: float,
        method: bytes,
        host: bytes,
        path: bytes,
        api: str,
        route: tuple[str, str] | None,
        application: tuple[str, str] | None,
        at: float,
    ) -> Trace:
        route_id, route_name = route or ("", "")
        application_id, application_name = application or ("", "")
        return Trace(
            id=f"{self._prefix}{next(self._unique):x}",
            kind=Kind.REFUSAL,
            request_id=request_id.decode("ascii", "replace"),
            at=at,
            revision=revision,
            status=response.status,
            duration_us=int(seconds * 1_000_000),
            api=api,
            route=route_id,
            route_name=route_name,
            application=application_id,
            application_name=application_name,
            method=method.decode("ascii", "replace"),
            host=host.decode("ascii", "replace"),
            path=path.decode("utf-8", "replace"),
            policy=response.policy,
            code=response.code,
            client=client,
        )
