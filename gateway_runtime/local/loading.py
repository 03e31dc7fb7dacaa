"""From a folder to a document that every worker can take, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.local.assembly import Assembled, Assembly
from gateway_runtime.local.expansion import expand
from gateway_runtime.local.faults import FileFault, FilesRefused
from gateway_runtime.local.files import read_files
from gateway_runtime.local.kinds import Kind
from gateway_runtime.local.reading import read_entries
from gateway_runtime.local.resources import Resource, read_resource, refuse_duplicates
from gateway_runtime.schema.document import Document, digest, encode
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.upstream.registry import PoolRegistry


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that can be served. `bindings` has those of each instance in the order in which they run,
    and those of a Service by “Service” and its id."""

    document: Document
    data: bytes
    digest: str
    resources: list[Resource]
    bindings: dict[str, list[Resource]]
    notes: list[FileFault]


def load(root: Path, environment: Mapping[str, str], running: Document | None = None) -> Loaded:
    """Read and check a folder or file. Raises `FilesRefused`.

    A new certificate that has expired is refused while another configuration is `running`, else only told.
    """
    try:
        files = read_files(root)
        if not files:
            # A folder that is not mounted looks just like this, and must not take every API away.
            message = "There is no .yaml file here. To serve nothing, leave one that is empty."
            raise FileFault(str(root), 0, "", message, "files_missing")
    except FileFault as fault:
        raise FilesRefused([fault]) from fault
    return load_files(files, environment, running)


def load_files(
    files: Iterable[tuple[str, bytes]], environment: Mapping[str, str], running: Document | None = None
) -> Loaded:
    """Check the content of files. Raises `FilesRefused` with every fault of the first step that found any."""
    resources, assembled = assemble_files(files, environment, running)
    data = encode(assembled.document)
    made = Loaded(assembled.document, data, digest(data), resources, assembled.bindings, assembled.notes)
    _compile(made)
    return made


def assemble_files(
    files: Iterable[tuple[str, bytes]],
    environment: Mapping[str, str],
    running: Document | None = None,
    *,
    for_portal: bool = False,
) -> tuple[list[Resource], Assembled]:
    """Return what stands in files, and the document they make together, which is not compiled. Raises `FilesRefused`.

    `for_portal`: whoever reads them keeps specifications, so that policies may work by those.
    """
    resources, faults = _read(files, environment)
    if not faults:
        resources = expand(resources)
        faults = refuse_duplicates(resources)
    if faults:
        raise FilesRefused(faults)
    served = None if running is None else [each.tls for each in running.listeners if each.tls is not None]
    assembly = Assembly(resources, environment, served, for_portal=for_portal)
    assembled = assembly.assemble()
    if assembly.faults:
        raise FilesRefused(assembly.faults)
    return resources, assembled


def _read(files: Iterable[tuple[str, bytes]], environment: Mapping[str, str]) -> tuple[list[Resource], list[FileFault]]:
    resources: list[Resource] = []
    faults: list[FileFault] = []
    for name, content in files:
        try:
            entries = read_entries(name, content)
        except FileFault as fault:
            faults.append(fault)
            continue
        for entry in entries:
            try:
                resources.append(read_resource(entry, environment))
            except FileFault as fault:
                faults.append(fault)
    return resources, faults


def _compile(made: Loaded) -> None:
    """Compile it as a worker will. In a file nothing is fenced off: whoever saved it is there to mend it."""
    try:
        # Certificates have been looked at where they stand.
        compiled = Compiler(PoolRegistry()).compile(1, made.digest, made.data, listeners=made.document.listeners)
    except ConfigFault as fault:
        raise FilesRefused([FileFault("", 0, fault.path, fault.message, fault.code)]) from fault
    places = {resource.id: resource.place for resource in made.resources if resource.kind is Kind.API_INSTANCE}
    faults = [
        places[fault.api].fault(f"{fault.path}: {fault.message}", fault.code)
        if fault.api in places
        else FileFault("", 0, fault.path, fault.message, fault.code)
        for fault in compiled.faults
    ]
    if faults:
        raise FilesRefused(faults)
