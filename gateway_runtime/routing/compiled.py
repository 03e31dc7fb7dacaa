"""APIs and routes as the hot path sees them: bytes, tuples and compiled patterns, made once per revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import structs

from gateway_runtime.policies.results import Response
from gateway_runtime.routing.path_set import path_set
from gateway_runtime.routing.rules import CompiledRule, Headers, compile_rules
from gateway_runtime.routing.shares import Shares
from gateway_runtime.schema.document import ApiInstance, Route, Rule

if TYPE_CHECKING:
    from gateway_runtime.http.limits import ApiLimits
    from gateway_runtime.notices import Reported
    from gateway_runtime.policies.chain import Chain
    from gateway_runtime.telemetry.access_log import AccessLogger
    from gateway_runtime.telemetry.sampling import ApiTracing
    from gateway_runtime.upstream.pool import Pool


class CompiledRoute:
    """One route: its alternatives (None: every request), the pool it sends to, the path it puts in front."""

    __slots__ = ("destination_path", "id", "name", "pool", "rewrites", "rules", "shares")

    def __init__(self, route: Route, pool: Pool, shares: Shares[CompiledRoute] | None = None) -> None:
        self.id = route.id
        self.name = route.name
        self.pool = pool
        self.shares = shares
        self.rules: tuple[CompiledRule, ...] | None = compile_rules(route.rules)
        # Captured groups are put together anew, so only then can the result hold segments nobody has checked.
        self.rewrites = any(rule.groups for rule in self.rules or ())
        path = route.destination_path.encode()
        self.destination_path = path if not path or path.startswith(b"/") else b"/" + path

    def upstream_path(self, rest: bytes) -> bytes:
        """Return the path sent upstream: the destination path and what is left of the request's, one slash between."""
        destination = self.destination_path
        if not destination:
            return rest if rest.startswith(b"/") else b"/" + rest
        if not rest:
            return destination
        if destination.endswith(b"/"):
            return destination + (rest[1:] if rest.startswith(b"/") else rest)
        return destination + rest


class CompiledApi:
    """One API instance. With `quarantine` set it answers that and nothing else; it is never served without policies."""

    __slots__ = ("_path_set", "_routes", "access_log", "asked", "base_length", "base_path", "candidate", "chain",
                 "counted_as", "id", "limits", "minds_ends", "name", "quarantine", "reports", "routes", "settled",
                 "special", "tracing")  # fmt: skip

    def __init__(
        self,
        *,
        id: str,
        name: str,
        base_path: bytes,
        routes: tuple[CompiledRoute, ...] = (),
        chain: Chain | None = None,
        quarantine: Response | None = None,
        limits: ApiLimits | None = None,
        tracing: ApiTracing | None = None,
    ) -> None:
        self.id = id
        # The label of its requests where they are counted, and the revision that is tried out, 0 where none is.
        self.counted_as = id
        self.candidate = 0
        self.name = name
        self.base_path = base_path
        self.base_length = len(base_path)
        self.routes = routes
        self._path_set = path_set(routes)
        self._routes = tuple((route, route.rules) for route in routes)
        self.chain = chain
        self.access_log: AccessLogger | None = None
        # What its policies ask.
        self.asked: tuple[Pool, ...] = ()
        self.reports: tuple[Reported, ...] = ()
        self.quarantine = quarantine
        self.limits = limits
        self.tracing = tracing
        # Policies have something to do when a request is over.
        self.minds_ends = chain is not None and bool(chain.ended)
        # One test for each request instead of four.
        self.special = quarantine is not None or limits is not None or tracing is not None or self.minds_ends
        # Whether the same request again goes where it went: nothing is left to chance, and nothing special to be done.
        self.settled = not self.special and all(route.shares is None for route in routes)

    def find(self, method: bytes, path: bytes, host: bytes, headers: Headers) -> tuple[CompiledRoute, bytes] | None:
        """Return the first route that holds, with the path to send upstream. `path` still has the base path."""
        rest = path[self.base_length :] if self.base_length else path
        for route, rules in self._routes if self._path_set is None else self._path_set.candidates(rest or b"/"):
            if rules is None:
                chosen = route if route.shares is None else route.shares.choose()
                return chosen, chosen.upstream_path(rest) if chosen.destination_path else rest or b"/"
            for rule in rules:
                kept = rule.match(method, rest or b"/", host, headers)
                if kept is not None:
                    chosen = route if route.shares is None else route.shares.choose()
                    return chosen, chosen.upstream_path(kept if rest or rule.groups else rest)
        return None

    def pools(self) -> Iterator[Pool]:
        """Yield the pools that requests to this API can be sent to, or about."""
        yield from self.asked
        for route in self.routes:
            if route.shares is None:
                yield route.pool
            else:
                yield from (way.pool for way in route.shares.ways)


def compile_api(
    api: ApiInstance,
    chain: Chain | None,
    pools: Mapping[str, Pool],
    *,
    limits: ApiLimits | None = None,
    tracing: ApiTracing | None = None,
    preflight: bool = False,
) -> CompiledApi:
    """Compile an API. `pools` has the pool of each of its services by service id.

    With `preflight` the first policy answers every OPTIONS request, so that none of them may end for want of a route.

    Raises `RuleError` for a bad pattern and `LookupError` for a route to a service that is not there.
    """
    if api.quarantine:
        return quarantined_api(api, api.quarantine)
    for route in api.routes:
        for service in [d.service for d in route.destinations] or [route.service]:
            if service not in pools:
                raise LookupError(f"Route “{route.name}” points to the service “{service}”, which does not exist.")
    routes = [_compile_route(route, pools) for route in api.routes]
    if preflight and routes:
        rules = [Rule(methods="OPTIONS")]
        routes.append(CompiledRoute(Route(id="", name="preflight", service="", rules=rules), routes[0].pool))
    return CompiledApi(
        id=api.id,
        name=api.name,
        base_path=base_path_bytes(api.base_path),
        routes=tuple(routes),
        chain=chain,
        limits=limits,
        tracing=tracing,
    )


def _compile_route(route: Route, pools: Mapping[str, Pool]) -> CompiledRoute:
    if not route.destinations:
        return CompiledRoute(route, pools[route.service])
    ways = [
        CompiledRoute(structs.replace(route, destination_path=way.destination_path), pools[way.service])
        for way in route.destinations
    ]
    return CompiledRoute(route, ways[0].pool, Shares(ways, [way.weight for way in route.destinations]))


def quarantined_api(api: ApiInstance, reason: str) -> CompiledApi:
    """Return an API that answers 503 with the reason."""
    return CompiledApi(
        id=api.id,
        name=api.name,
        base_path=base_path_bytes(api.base_path),
        quarantine=Response(status=503, code="api_quarantined", title="API not available", detail=reason),
    )


def base_path_bytes(base_path: str) -> bytes:
    """Return a base path as the table compares it: a leading slash, no trailing one, the root empty."""
    trimmed = base_path.strip("/")
    return b"/" + trimmed.encode() if trimmed else b""
