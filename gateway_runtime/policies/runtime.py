"""What a policy is given when it is built for one binding of one API."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway_runtime import clock as times
from gateway_runtime.clock import Clock, Sleep
from gateway_runtime.directories.directory import Directories, Directory
from gateway_runtime.directories.ldap import LdapSettings
from gateway_runtime.fetching.client import ANSWER_LIMIT, Fetched
from gateway_runtime.fetching.remote import Remote, Remotes
from gateway_runtime.fetching.service import AskedService, AskedServices
from gateway_runtime.fetching.url import Url
from gateway_runtime.notices import Report, Reported
from gateway_runtime.policies.context import ConsumerIndex
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.document import Service
from gateway_runtime.schema.policy import PolicyDefinition
from gateway_runtime.state.cache import ByteCache, LocalCache
from gateway_runtime.state.leases import LeasedWindows
from gateway_runtime.state.limits import Limit, Limiter, Windows

if TYPE_CHECKING:
    from gateway_runtime.state.shared import SharedState

# What every question at a URL says of the gateway.
ASKING = (b"user-agent: portico-gateway", b"accept-encoding: identity")
# State of bindings that outlives a revision, by (binding id, name).
Kept = MutableMapping[tuple[str, str], Any]


def write_nowhere(line: bytes) -> None:
    """Take a line where there is no log, as while a revision is only checked."""


class Counting(NamedTuple):
    """What a limiter was made for."""

    limits: tuple[Limit, ...]
    shared: bool
    exact: bool
    blocks: bool

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the names of the counters."""
        return tuple(limit.field for limit in self.limits)


class BindingRuntime:
    """The `PolicyRuntime` of one binding."""

    __slots__ = (
        "_definition", "_directories", "_kept", "_remotes", "_services", "_shared", "add_line", "api", "api_name",
        "asked", "binding", "clock", "consumers", "is_first", "now", "reports", "sleep", "specification",
    )  # fmt: skip

    def __init__(
        self,
        *,
        api: str,
        binding: str,
        definition: PolicyDefinition,
        consumers: ConsumerIndex,
        clock: Clock,
        kept: Kept,
        shared: SharedState | None = None,
        now: Clock = times.time,
        sleep: Sleep = times.sleep,
        remotes: Remotes | None = None,
        directories: Directories | None = None,
        services: AskedServices | None = None,
        is_first: bool = True,
        api_name: str = "",
        add_line: Callable[[bytes], None] | None = None,
        specification: str = "",
    ) -> None:
        self.api = api
        self.api_name = api_name
        self.add_line = write_nowhere if add_line is None else add_line
        self.binding = binding
        self.consumers = consumers
        self.clock = clock
        self.now = now
        self.sleep = sleep
        self.specification = specification
        self._definition = definition
        self._kept = kept
        self._shared = shared
        self._remotes = Remotes() if remotes is None else remotes
        self._directories = Directories(clock=clock) if directories is None else directories
        self._services = AskedServices() if services is None else services
        # What the policy asks, to be kept as long as it is.
        self.asked: list[AskedService] = []
        # What it has to say, looked at now and then.
        self.reports: list[Reported] = []
        self.is_first = is_first

    def refusal(self, code: str, *, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Response:
        """Return the prebuilt answer for one of the definition's refusal codes."""
        refusal = next((r for r in self._definition.refusals if r.code == code), None)
        if refusal is None:
            raise LookupError(f"{self._definition.name} does not declare the refusal {code!r}")
        return Response(
            status=refusal.status,
            code=refusal.code,
            title=refusal.title,
            detail=refusal.detail,
            policy=self._definition.name,
            headers=headers,
        )

    def keep(self, name: str, make: Callable[[], Any]) -> Any:
        """Return state of this binding that survives a new revision, made on first use."""
        key = (self.binding, name)
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def limiter(
        self,
        name: str,
        limits: tuple[Limit, ...],
        *,
        shared: bool,
        exact: bool = False,
        blocks: bool = False,
        counters: str = "",
    ) -> Limiter:
        """Return counters, shared with all replicas where there is a shared storage.

        Those of the running revision go on: as they are, and under other maxima with what they have counted. Limiters
        with the same `counters` and periods count the same keys together.
        """
        storage = self._shared if shared else None
        made = Counting(limits, storage is not None, exact, blocks)
        known: tuple[Counting, Limiter] | None = self._kept.get((self.binding, f"limiter {name}"))
        if known is not None and known[0] == made:
            return known[1]
        before = known[1] if known is not None else None
        if isinstance(before, LeasedWindows):
            before.give_back(self.clock(), everything=True)
        if storage is None:
            limiter: Limiter = self._in_memory(made, counters, before)
        else:
            make = storage.strict if made.exact else storage.windows
            limiter = make(made.limits, f"{self.binding} {counters or name}", self.clock, blocks=made.blocks)
        self._kept[self.binding, f"limiter {name}"] = made, limiter
        return limiter

    def _in_memory(self, made: Counting, counters: str, before: Limiter | None) -> Windows:
        if counters:
            before = self.keep(f"{counters} {' '.join(made.fields)}", lambda: Windows(made.limits, wall=self.now))
        like = before if isinstance(before, Windows) and before.fields == made.fields else None
        return Windows(made.limits, wall=self.now, like=like)

    def cache(self, name: str, *, entries: int, shared: bool) -> ByteCache:
        """Return a cache, shared with all replicas where there is a shared storage."""
        storage = self._shared if shared else None
        if storage is None:
            return self.keep(f"cache {name}", lambda: LocalCache(self.clock, entries=entries))
        return self.keep(f"shared cache {name}", lambda: storage.cache(f"{self.binding} {name}"))

    async def ask(
        self,
        url: Url,
        *,
        seconds: float,
        limit: int = ANSWER_LIMIT,
        method: str = "GET",
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> Fetched:
        """Ask at a URL. Raises `FetchError`."""
        lines = ASKING + tuple([f"{name}: {value}".encode() for name, value in headers])
        answer = await self._services.at(url).ask(
            method.encode(), url.target.encode(), lines, body, seconds=seconds, limit=limit
        )
        return Fetched(answer.status, dict(answer.fields), answer.body)

    def remote(self, url: str, parse: Callable[[bytes], Any], *, ttl: float, seconds: float) -> Remote:
        """Return a document of somebody else, shared by all policies of this worker that name it."""
        return self._remotes.get(url, parse, ttl=ttl, seconds=seconds)

    def directory(self, settings: LdapSettings) -> Directory:
        """Return a directory, shared by all policies of this worker that ask it in the same way."""
        return self._directories.get(settings)

    def report(self, read: Report) -> None:
        """Let operators see what `read` says; see `PolicyRuntime`."""
        self.reports.append(Reported(self.api, self.binding, self._definition.name, read))

    def service(self, service: Service) -> AskedService:
        """Return a service that the policy asks, with connections that all policies with the same one share."""
        found = self._services.get(service)
        self.asked.append(found)
        return found
