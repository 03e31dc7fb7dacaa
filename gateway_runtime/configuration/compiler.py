"""From a document to a snapshot, beside the running one: the unchanged is taken over, the broken is fenced off."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from gateway_runtime.configuration.bindings import BindingBuilder, CountShadow
from gateway_runtime.configuration.candidate import try_out
from gateway_runtime.configuration.limits import api_limits, gateway_limits, trusted_proxies
from gateway_runtime.configuration.outline import read_outline, unreadable
from gateway_runtime.configuration.ports import check_probe
from gateway_runtime.configuration.snapshot import CandidateSnapshot, Definition, Snapshot
from gateway_runtime.configuration.trial import share_of
from gateway_runtime.consumers.index import ApiConsumers, Directory
from gateway_runtime.control import ApiFault
from gateway_runtime.policies.chain import Chain
from gateway_runtime.policies.deprecation import announcing
from gateway_runtime.policies.registry import answers_preflight
from gateway_runtime.policies.runtime import BindingRuntime
from gateway_runtime.policies.shaping import shaped
from gateway_runtime.routing.compiled import CompiledApi, compile_api, quarantined_api
from gateway_runtime.routing.rules import RuleError
from gateway_runtime.routing.table import OverlapError, PortTable
from gateway_runtime.schema.access_log import AccessLog
from gateway_runtime.schema.document import ApiInstance, Consumer, Listener, Surroundings, Tier
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.state.connection import connector
from gateway_runtime.state.shared import SharedState
from gateway_runtime.telemetry.access_log import AccessLogger, check_access_log
from gateway_runtime.telemetry.outputs import check_outputs
from gateway_runtime.telemetry.recorder import candidate_label
from gateway_runtime.telemetry.sampling import api_tracing
from gateway_runtime.tls.compiled import ListenerFault, compile_listeners
from gateway_runtime.upstream.platform import platform_of
from gateway_runtime.upstream.registry import PoolRegistry, proxy_of

QUARANTINED = "Its configuration cannot be used by this gateway, and it is never served without its policies."


_decode_api = msgspec.json.Decoder(ApiInstance).decode


class Compiled(NamedTuple):
    """A snapshot ready to be swapped in, and the parts that could not be compiled as the document has them."""

    snapshot: Snapshot
    faults: list[ApiFault]


class Compiler:
    """Compiles revisions for one worker and holds what outlives them: pools, policy state, the consumer directory.

    `compile` changes nothing that the running snapshot uses; `commit` does, after the swap.
    """

    def __init__(
        self,
        pools: PoolRegistry,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        count_shadow: CountShadow | None = None,
        shared: SharedState | None = None,
        add_access_line: Callable[[bytes], None] | None = None,
        is_first: bool = True,
    ) -> None:
        self._shared = shared
        self._add_access_line = add_access_line
        # The storage that the registration names.
        self.registered: SharedStorage | None = None
        self._pools = pools
        self._now = now
        self._directory = Directory()
        self._bindings = BindingBuilder(pools, clock, count_shadow, add_access_line, is_first=is_first)

    def compile(
        self,
        revision: int,
        digest: str,
        data: bytes,
        previous: Snapshot | None = None,
        definitions: Mapping[str, ApiInstance] | None = None,
        listeners: Iterable[Listener] = (),
        replica: str | None = None,
    ) -> Compiled:
        """Compile in one go. Raises `ConfigFault` when the document as a whole cannot be used."""
        steps = self.steps(revision, digest, data, previous, definitions, listeners, replica)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    def steps(
        self,
        revision: int,
        digest: str,
        data: bytes,
        previous: Snapshot | None = None,
        definitions: Mapping[str, ApiInstance] | None = None,
        listeners: Iterable[Listener] = (),
        replica: str | None = None,
    ) -> Generator[None, None, Compiled]:
        """Compile, with a pause after each part so that a worker can serve requests in between.

        `definitions` and `listeners` are last good definitions known from elsewhere; those of `previous` count too.
        What is tried out is compiled for `replica`, and for none without one.
        """
        outline = read_outline(data)
        yield
        # Without the bytes of the APIs, which would hold those of the whole document.
        document = msgspec.structs.replace(outline, apis=[], candidate=None)
        # Only looked at: they are taken with the rest.
        gateway_limits(document)
        trusted_proxies(document)
        proxy_of(document.forward_proxy)
        check_probe(document)
        check_outputs(document.runtime_log_outputs, "runtime_log_outputs")
        check_outputs(document.access_log_outputs, "access_log_outputs")
        ports = _ports(document.listeners)
        consumers, tiers = _consumers_by_api(document), _tiers_by_api(document)
        yield
        running = {each.data: each for each in previous.definitions.values()} if previous else {}
        apis: dict[str, CompiledApi] = {}
        used: dict[str, Definition] = {}
        bindings: set[str] = set()
        on_listener: dict[str, list[CompiledApi]] = {listener: [] for listener in ports}
        tls, kept_listeners = yield from compile_listeners(
            document.listeners, previous.tls if previous else {}, listeners, self._now()
        )
        faults = [_listener_fault(each) for each in kept_listeners]
        storage = self.storage(document)
        if storage is not None:
            connector(storage)
        if document.access_log is not None:
            check_access_log(document.access_log, "access_log")
        # Policies are built for a storage or for none, so what was built without one cannot be taken over with one.
        as_shared = previous is not None and (self.storage(previous.document) is None) is (storage is None)
        traced = document.sampled_percent, document.tracing
        as_traced = previous and (previous.document.sampled_percent, previous.document.tracing) == traced
        # So do those in shadow mode with how much may be read for them.
        most = document.limits.buffered_body_bytes
        as_read = previous is not None and previous.document.limits.buffered_body_bytes == most
        as_built = bool(as_shared and as_traced and as_read)
        # The directory must know new applications before an API compiled for them answers.
        if previous is None:
            self._directory.fill(document.consumers)
        for index, raw in enumerate(outline.apis):
            # The same bytes mean the same API: it need not even be read.
            same = running.get(bytes(raw))
            if (
                previous
                and as_built
                and same
                and same.id not in apis
                and same.listener in ports
                and previous.consumers.get(same.id) == consumers.get(same.id)
                and previous.tiers.get(same.id) == tiers.get(same.id)
            ):
                apis[same.id], used[same.id] = previous.apis[same.id], same
                bindings.update(same.bindings)
                on_listener[same.listener].append(apis[same.id])
                yield
                continue
            api = _read_api(raw, index, ports, apis)
            clients = ApiConsumers(self._directory, consumers.get(api.id, ()), tiers.get(api.id))
            try:
                apis[api.id] = self._compile_api(document, api, clients)
                if not api.quarantine:
                    used[api.id] = _definition(api, bytes(raw))
            except Exception as error:
                fault = _api_fault(api, index, error)
                good = _last_good(api.id, previous, definitions)
                apis[api.id], kept = self._stand_in(document, api, clients, good)
                if kept is not None:
                    used[api.id] = kept
                    bindings.update(kept.bindings)
                faults.append(msgspec.structs.replace(fault, kept=kept is not None))
            bindings.update(binding.id for binding in api.policies)
            on_listener[api.listener].append(apis[api.id])
            yield
        try:
            tables = {port: PortTable.build(on_listener[listener]) for listener, port in ports.items()}
        except OverlapError as error:
            raise ConfigFault("apis", "base_path_in_use", str(error)) from error
        snapshot = Snapshot(revision, digest, tables, apis, document, used, tls, consumers, bindings, tiers)
        candidate = outline.candidate
        if candidate is None or replica is None or not (share := share_of(candidate, replica)):
            return Compiled(snapshot, faults)

        def compile_one(api: ApiInstance, number: int) -> CompiledApi:
            clients = ApiConsumers(self._directory, consumers.get(api.id, ()), tiers.get(api.id))
            return self._compile_api(document, api, clients, candidate=number)

        known = previous if as_built else None
        tried = yield from try_out(candidate, share, snapshot, ports, known, compile_one, _definition)
        if isinstance(tried.snapshot, CandidateSnapshot):
            for each in tried.snapshot.tried_definitions.values():
                bindings.update(each.bindings)
        return Compiled(tried.snapshot, [*faults, *tried.faults])

    def commit(self, snapshot: Snapshot) -> None:
        """Let go of what only the snapshots before this one needed."""
        document = snapshot.document
        self._directory.fill(document.consumers)
        self._bindings.retain(snapshot.bindings)
        self._pools.allow_private = document.allow_private_targets
        self._pools.proxy = proxy_of(document.forward_proxy)
        self._pools.platform = platform_of(document.platform_addresses, self.registered)
        self._pools.retain({pool for api in snapshot.all_apis() for pool in api.pools()})

    def access_logger(self, settings: AccessLog | None, api: str = "", name: str = "") -> AccessLogger | None:
        """Return what writes access lines, None where none are wanted. Raises `ConfigFault`."""
        if settings is None or self._add_access_line is None:
            return None
        check_access_log(settings, "access_log")
        return AccessLogger(settings, self._add_access_line, api, name)

    def storage(self, document: Surroundings) -> SharedStorage | None:
        """Return where counters are shared under a document."""
        return document.shared_storage or self.registered

    def _compile_api(
        self, document: Surroundings, api: ApiInstance, consumers: ApiConsumers, *, candidate: int = 0
    ) -> CompiledApi:
        log = self.access_logger(api.access_log, api.id, api.name)
        counted_as = candidate_label(api.id, candidate) if candidate else api.id
        if api.quarantine:
            fenced = quarantined_api(api, api.quarantine)
            fenced.access_log, fenced.counted_as, fenced.candidate = log, counted_as, candidate
            return fenced
        ordered = sorted(api.policies, key=lambda binding: (not answers_preflight(binding.policy), binding.order))
        shared = self._shared if self.storage(document) is not None else None
        built: list[BindingRuntime] = []
        bound = [
            self._bindings.build(document, api, position, binding, consumers, shared, built, counted_as)
            for position, binding in enumerate(ordered)
            if binding.mode is not Mode.OFF
        ]
        chain = Chain([announcing(api.deprecation), *bound] if api.deprecation is not None else bound)
        made = shaped(api, ordered)
        pools = {
            service.id: self._pools.get(service, f"services[{index}]") for index, service in enumerate(made.services)
        }
        preflight = any(answers_preflight(each.policy) and each.mode is Mode.ENFORCE for each in ordered[:1])
        compiled = compile_api(
            made, chain, pools, limits=api_limits(made), tracing=api_tracing(document, made.spans), preflight=preflight
        )
        compiled.asked = tuple(service.pool for each in built for service in each.asked)
        compiled.reports = tuple(report for each in built for report in each.reports)
        compiled.access_log, compiled.counted_as, compiled.candidate = log, counted_as, candidate
        return compiled

    def _stand_in(
        self, document: Surroundings, api: ApiInstance, clients: ApiConsumers, good: ApiInstance | None
    ) -> tuple[CompiledApi, Definition | None]:
        """Return what stands in for a broken API: its last good definition where it is now, or a 503.

        It is compiled anew, so that a contract revoked in this revision is revoked here too.
        """
        if good is not None:
            moved = msgspec.structs.replace(good, listener=api.listener, base_path=api.base_path)
            try:
                return self._compile_api(document, moved, clients), _definition(moved, msgspec.json.encode(moved))
            except Exception:  # noqa: S110 — the fault that matters is the new definition's, already reported
                pass
        return quarantined_api(api, QUARANTINED), None


def _read_api(raw: msgspec.Raw, index: int, ports: Mapping[str, int], before: Mapping[str, CompiledApi]) -> ApiInstance:
    """Return one API. Raises `ConfigFault` where it does not fit the listeners or the APIs `before` it."""
    try:
        api = _decode_api(raw)
    except msgspec.MsgspecError as error:
        reason, at, path = str(error).partition(" - at `$")
        raise unreadable(f"{reason} - at `$.apis[{index}]{path if at else '`'}") from error
    if api.id in before:
        raise ConfigFault(f"apis[{index}].id", "duplicate_api", f"The API id “{api.id}” is there twice.")
    if api.listener not in ports:
        message = f"“{api.name}” is on the listener “{api.listener}”, which does not exist."
        raise ConfigFault(f"apis[{index}].listener", "unknown_listener", message)
    return api


def _definition(api: ApiInstance, data: bytes) -> Definition:
    return Definition(api.id, api.listener, tuple(binding.id for binding in api.policies), data)


def _last_good(id: str, previous: Snapshot | None, known: Mapping[str, ApiInstance] | None) -> ApiInstance | None:
    """Return the last good definition of an API: the one that is served, else the one that is known from elsewhere."""
    served = previous.definitions.get(id) if previous else None
    if served is not None:
        return _decode_api(served.data)
    return known.get(id) if known else None


def _ports(listeners: Iterable[Listener]) -> dict[str, int]:
    """Return the port of each listener. Raises `ConfigFault` where two have the same one."""
    ports: dict[str, int] = {}
    names: dict[int, str] = {}
    for index, listener in enumerate(listeners):
        if listener.port in names:
            message = f"The listeners “{names[listener.port]}” and “{listener.name}” both use port {listener.port}."
            raise ConfigFault(f"listeners[{index}].port", "duplicate_port", message)
        names[listener.port] = listener.name
        ports[listener.id] = listener.port
    return ports


def _consumers_by_api(document: Surroundings) -> dict[str, tuple[Consumer, ...]]:
    by_id = {consumer.id: consumer for consumer in document.consumers}
    found: defaultdict[str, list[Consumer]] = defaultdict(list)
    for contract in document.contracts:
        if consumer := by_id.get(contract.consumer):
            found[contract.api].append(consumer)
    return {api: tuple(consumers) for api, consumers in found.items()}


def _tiers_by_api(document: Surroundings) -> dict[str, dict[str, Tier]]:
    """Return the tiers of contracts: by API, then by consumer."""
    by_id = {tier.id: tier for tier in document.tiers}
    found: defaultdict[str, dict[str, Tier]] = defaultdict(dict)
    for contract in document.contracts:
        if tier := by_id.get(contract.tier):
            found[contract.api][contract.consumer] = tier
    return dict(found)


def _listener_fault(kept: ListenerFault) -> ApiFault:
    listener, fault, stays = kept
    message = fault.message if stays else f"{fault.message} Callers are shown it meanwhile."
    return ApiFault(
        api="", name=f"Listener {listener.name}", code=fault.code, path=fault.path, message=message, kept=stays,
        listener=listener.id,
    )  # fmt: skip


def _api_fault(api: ApiInstance, index: int, error: Exception) -> ApiFault:
    """Describe why an API could not be compiled. Unknown errors are faults too: no policy may be left out."""
    # The text of an unforeseen error could quote a setting, and settings hold secrets.
    path, code, message = "", "api_not_compiled", f"Compiling it failed ({type(error).__name__})."
    if isinstance(error, ConfigFault):
        path, code, message = error.path, error.code, error.message
    elif isinstance(error, RuleError):
        path, code, message = f"routes.rules.{error.path}", "invalid_pattern", str(error)
    elif type(error) is LookupError:
        path, code, message = "routes", "unknown_service", str(error)
    return ApiFault(api=api.id, name=api.name, code=code, path=f"apis[{index}].{path}".rstrip("."), message=message)
