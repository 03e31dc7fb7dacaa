"""Compiling what is tried out beside what all others get. Whatever is wrong with it, the others never notice."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import NamedTuple

import msgspec

from gateway_runtime.configuration.snapshot import CandidateSnapshot, Definition, Snapshot
from gateway_runtime.control import ApiFault
from gateway_runtime.routing.compiled import CompiledApi
from gateway_runtime.routing.split_table import SplitTable
from gateway_runtime.routing.table import OverlapError, PortTable
from gateway_runtime.schema.document import ApiInstance, CandidateOutline, Trial
from gateway_runtime.schema.faults import ConfigFault

_decode_api = msgspec.json.Decoder(ApiInstance).decode


class Tried(NamedTuple):
    """A snapshot, with the candidate beside it where that could be compiled, and what could not."""

    snapshot: Snapshot
    faults: list[ApiFault]


def try_out(
    candidate: CandidateOutline,
    share: float,
    stable: Snapshot,
    ports: Mapping[str, int],
    previous: Snapshot | None,
    compile_one: Callable[[ApiInstance, int], CompiledApi],
    define: Callable[[ApiInstance, bytes], Definition],
) -> Generator[None, None, Tried]:
    """Compile a candidate beside `stable`, with a pause after each API.

    `previous` is what its APIs may be taken over from, `compile_one` compiles one under the candidate's number. An API
    that cannot be compiled stays as all others have it.
    """
    tried: dict[str, CompiledApi] = {}
    definitions: dict[str, Definition] = {}
    faults: list[ApiFault] = []
    taken_over = _known(previous, candidate, stable)
    for index, raw in enumerate(candidate.apis):
        known = taken_over.get(bytes(raw))
        if known is not None and known[1].listener in ports:
            tried[known[1].id], definitions[known[1].id] = known
            yield
            continue
        api: ApiInstance | None = None
        try:
            api = _decode_api(raw)
            if api.listener not in ports:
                text = f"It is on the listener “{api.listener}”, which does not exist."
                raise ConfigFault("listener", "unknown_listener", text)
            tried[api.id] = compile_one(api, candidate.revision)
            definitions[api.id] = define(api, bytes(raw))
        except Exception as error:
            faults.append(_fault(api, index, error))
        yield
    try:
        tables = _tables(stable, tried, frozenset(candidate.removed), definitions, ports, share)
    except OverlapError as error:
        faults.append(_fault(None, -1, ConfigFault("", "base_path_in_use", str(error))))
        return Tried(stable, faults)
    trial = Trial(**{name: getattr(candidate, name) for name in Trial.__struct_fields__})
    return Tried(CandidateSnapshot(stable, trial, share, tables, tried, definitions), faults)


def _known(
    previous: Snapshot | None, candidate: CandidateOutline, stable: Snapshot
) -> dict[bytes, tuple[CompiledApi, Definition]]:
    """Return what the candidate before this one has compiled and can be used as it is, by its bytes."""
    if not isinstance(previous, CandidateSnapshot) or previous.trial.revision != candidate.revision:
        return {}
    return {
        definition.data: (previous.tried[id], definition)
        for id, definition in previous.tried_definitions.items()
        if previous.consumers.get(id) == stable.consumers.get(id) and previous.tiers.get(id) == stable.tiers.get(id)
    }


def _tables(
    stable: Snapshot,
    tried: Mapping[str, CompiledApi],
    removed: frozenset[str],
    definitions: Mapping[str, Definition],
    ports: Mapping[str, int],
    share: float,
) -> dict[int, PortTable]:
    """Return the tables of all ports; those on which the candidate differs choose. Raises `OverlapError`."""
    gone = removed | tried.keys()
    added: dict[int, list[CompiledApi]] = {}
    for id, api in tried.items():
        added.setdefault(ports[definitions[id].listener], []).append(api)
    tables = dict(stable.ports)
    for port, table in stable.ports.items():
        same = [api for api in table.apis() if api.id not in gone]
        if port in added or len(same) < len(table.apis()):
            other = PortTable.build([*same, *added.get(port, ())])
            tables[port] = other if share >= 1 else SplitTable(table, other, share)
    return tables


def _fault(api: ApiInstance | None, index: int, error: Exception) -> ApiFault:
    # The text of an unforeseen error could quote a setting, and settings hold secrets.
    path, code, message = "", "api_not_compiled", f"Compiling it failed ({type(error).__name__})."
    if isinstance(error, ConfigFault):
        path, code, message = error.path, error.code, error.message
    where = f"candidate.apis[{index}].{path}".rstrip(".") if index >= 0 else "candidate"
    return ApiFault(
        api="" if api is None else api.id,
        name="The candidate" if api is None else api.name,
        code=code,
        path=where,
        message=message,
        kept=True,
        candidate=True,
    )
