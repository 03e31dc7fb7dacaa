"""From a document to a snapshot, beside the running one: the unchanged is taken over, the broken is fenced off."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from gateway_runtime.configuration.snapshot import Snapshot
from gateway_runtime.consumers.index import ApiConsumers, Directory
from gateway_runtime.control import ApiFault
from gateway_runtime.policies.chain import Binding, Chain
from gateway_runtime.policies.conditions import compile_condition
from gateway_runtime.policies.registry import definition
from gateway_runtime.policies.runtime import BindingRuntime
from gateway_runtime.routing.compiled import CompiledApi, compile_api, quarantined_api
from gateway_runtime.routing.rules import RuleError
from gateway_runtime.routing.table import OverlapError, PortTable
from gateway_runtime.schema.access_log import AccessLog
from gateway_runtime.schema.document import FORMAT, ApiInstance, Consumer, Document, Listener, decode
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.state.connection import connector
from gateway_runtime.state.shared import SharedState
from gateway_runtime.telemetry.access_log import AccessLogger, check_access_log
from gateway_runtime.tls.compiled import ListenerFault, compile_listeners
from gateway_runtime.upstream.pool import PoolRegistry

QUARANTINED = "Its configuration cannot be used by this gateway, and it is never served without its policies."


class _Format(msgspec.Struct):
    """The one field that is read before the rest, so that a newer format is refused by its name."""

    format: int = FORMAT


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
        shared: SharedState | None = None,
        add_access_line: Callable[[bytes], None] | None = None,
    ) -> None:
        self._shared = shared
        self._add_access_line = add_access_line
        # The storage that the registration names.
        self.registered: SharedStorage | None = None
        self._pools = pools
        self._clock = clock
        self._now = now
        self._directory = Directory()
        self._kept: dict[tuple[str, str], Any] = {}
        self._consumers: dict[str, tuple[Consumer, ...]] = {}

    def compile(
        self,
        revision: int,
        digest: str,
        data: bytes,
        previous: Snapshot | None = None,
        definitions: Mapping[str, ApiInstance] | None = None,
        listeners: Iterable[Listener] = (),
    ) -> Compiled:
        """Compile in one go. Raises `ConfigFault` when the document as a whole cannot be used."""
        steps = self.steps(revision, digest, data, previous, definitions, listeners)
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
    ) -> Generator[None, None, Compiled]:
        """Compile, with a pause after each API so that a worker can serve requests in between.

        `definitions` and `listeners` are last good definitions known from elsewhere; those of `previous` count too.
        """
        document = _read(data)
        ports = _ports(document)
        consumers = _consumers_by_api(document)
        last_good = {**(definitions or {}), **(previous.definitions if previous else {})}
        apis: dict[str, CompiledApi] = {}
        used: dict[str, ApiInstance] = {}
        running = previous.tls if previous else {}
        tls, kept_listeners = yield from compile_listeners(document.listeners, running, listeners, self._now())
        faults = [_listener_fault(each) for each in kept_listeners]
        storage = self.storage(document)
        if storage is not None:
            connector(storage)
        if document.access_log is not None:
            check_access_log(document.access_log, "access_log")
        # Policies are built for a storage or for none, so what was built without one cannot be taken over with one.
        same = previous is not None and (self.storage(previous.document) is None) is (storage is None)
        # The directory must know new applications before an API compiled for them answers.
        if previous is None:
            self._directory.fill(document.consumers)
        for index, api in enumerate(document.apis):
            clients = consumers.get(api.id, ())
            if (
                same
                and previous
                and previous.definitions.get(api.id) == api
                and self._consumers.get(api.id, ()) == clients
            ):
                apis[api.id], used[api.id] = previous.apis[api.id], api
                yield
                continue
            try:
                apis[api.id] = self._compile_api(document, api, clients)
                if not api.quarantine:
                    used[api.id] = api
            except Exception as error:
                fault = _api_fault(api, index, error)
                apis[api.id], kept = self._last_good(document, api, clients, last_good.get(api.id))
                if kept is not None:
                    used[api.id] = kept
                faults.append(msgspec.structs.replace(fault, kept=kept is not None))
            yield
        try:
            tables = {
                port: PortTable.build(apis[api.id] for api in document.apis if api.listener == listener)
                for listener, port in ports.items()
            }
        except OverlapError as error:
            raise ConfigFault("apis", "base_path_in_use", str(error)) from error
        return Compiled(Snapshot(revision, digest, tables, apis, document, used, tls), faults)

    def commit(self, snapshot: Snapshot) -> None:
        """Let go of what only the snapshots before this one needed."""
        document = snapshot.document
        self._consumers = _consumers_by_api(document)
        self._directory.fill(document.consumers)
        bindings = {b.id for api in document.apis for b in api.policies}
        bindings |= {b.id for api in snapshot.definitions.values() for b in api.policies}
        self._kept = {key: state for key, state in self._kept.items() if key[0] in bindings}
        self._pools.allow_private = document.allow_private_targets
        self._pools.retain({pool for api in snapshot.apis.values() for pool in api.pools()})

    def access_logger(self, settings: AccessLog | None, api: str = "", name: str = "") -> AccessLogger | None:
        """Return what writes access lines, None where none are wanted. Raises `ConfigFault`."""
        if settings is None or self._add_access_line is None:
            return None
        check_access_log(settings, "access_log")
        return AccessLogger(settings, self._add_access_line, api, name)

    def storage(self, document: Document) -> SharedStorage | None:
        """Return where counters are shared under a document."""
        return document.shared_storage or self.registered

    def _compile_api(self, document: Document, api: ApiInstance, clients: tuple[Consumer, ...]) -> CompiledApi:
        log = self.access_logger(api.access_log, api.id, api.name)
        if api.quarantine:
            fenced = quarantined_api(api, api.quarantine)
            fenced.access_log = log
            return fenced
        index = ApiConsumers(self._directory, clients)
        ordered = sorted(api.policies, key=lambda binding: binding.order)
        shared = self._shared if self.storage(document) is not None else None
        chain = Chain(self._build(api, position, binding, index, shared) for position, binding in enumerate(ordered))
        pools = {service.id: self._pools.get(service) for service in api.services}
        compiled = compile_api(api, chain, pools)
        compiled.access_log = log
        return compiled

    def _build(
        self, api: ApiInstance, position: int, binding: Any, consumers: ApiConsumers, shared: SharedState | None
    ) -> Binding:
        path = f"policies[{position}]"
        try:
            policy = definition(binding.policy)
            config = convert(binding.config, policy.config)
        except ConfigFault as fault:
            raise ConfigFault(f"{path}.{fault.path}".rstrip("."), fault.code, fault.message) from fault
        runtime = BindingRuntime(
            api=api.id,
            binding=binding.id,
            definition=policy,
            consumers=consumers,
            clock=self._clock,
            kept=self._kept,
            shared=shared,
        )
        handlers = policy.build(config, runtime)
        return Binding(policy.name, handlers, compile_condition(binding.rules, path))

    def _last_good(
        self, document: Document, api: ApiInstance, clients: tuple[Consumer, ...], good: ApiInstance | None
    ) -> tuple[CompiledApi, ApiInstance | None]:
        """Return what stands in for a broken API: its last good definition where it is now, or a 503.

        It is compiled anew, so that a contract revoked in this revision is revoked here too.
        """
        if good is not None:
            moved = msgspec.structs.replace(good, listener=api.listener, base_path=api.base_path)
            try:
                return self._compile_api(document, moved, clients), moved
            except Exception:  # noqa: S110 — the fault that matters is the new definition's, already reported
                pass
        return quarantined_api(api, QUARANTINED), None


def _read(data: bytes) -> Document:
    try:
        found = msgspec.json.decode(data, type=_Format).format
        if found != FORMAT:
            raise ConfigFault(
                "format", "unsupported_format", f"This gateway reads format {FORMAT}, not {found}. Upgrade the gateway."
            )
        return decode(data)
    except msgspec.MsgspecError as error:
        raise ConfigFault("", "document_unreadable", f"The document cannot be read: {error}.") from error


def _ports(document: Document) -> dict[str, int]:
    """Return the port of each listener. Raises `ConfigFault` where listeners or APIs do not fit together."""
    ports: dict[str, int] = {}
    names: dict[int, str] = {}
    for index, listener in enumerate(document.listeners):
        if listener.port in names:
            message = f"The listeners “{names[listener.port]}” and “{listener.name}” both use port {listener.port}."
            raise ConfigFault(f"listeners[{index}].port", "duplicate_port", message)
        names[listener.port] = listener.name
        ports[listener.id] = listener.port
    seen: set[str] = set()
    for index, api in enumerate(document.apis):
        if api.id in seen:
            raise ConfigFault(f"apis[{index}].id", "duplicate_api", f"The API id “{api.id}” is there twice.")
        seen.add(api.id)
        if api.listener not in ports:
            message = f"“{api.name}” is on the listener “{api.listener}”, which does not exist."
            raise ConfigFault(f"apis[{index}].listener", "unknown_listener", message)
    return ports


def _consumers_by_api(document: Document) -> dict[str, tuple[Consumer, ...]]:
    by_id = {consumer.id: consumer for consumer in document.consumers}
    found: defaultdict[str, list[Consumer]] = defaultdict(list)
    for contract in document.contracts:
        if consumer := by_id.get(contract.consumer):
            found[contract.api].append(consumer)
    return {api: tuple(consumers) for api, consumers in found.items()}


def _listener_fault(kept: ListenerFault) -> ApiFault:
    listener, fault = kept
    name = f"Listener {listener.name}"
    return ApiFault(
        api="", name=name, code=fault.code, path=fault.path, message=fault.message, kept=True, listener=listener.id
    )


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
