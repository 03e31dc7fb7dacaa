"""Declarative files as values, read without serving them: the one entry of local mode that the portal may use."""

from gateway_runtime.local.assembly import Assembled
from gateway_runtime.local.faults import FileFault, FilesRefused
from gateway_runtime.local.files import FILE_BYTES
from gateway_runtime.local.kinds import API_VERSIONS, DEFAULT_NAMESPACE, Kind
from gateway_runtime.local.loading import assemble_files
from gateway_runtime.local.place import Place
from gateway_runtime.local.reading import read_entries
from gateway_runtime.local.references import Reference, references
from gateway_runtime.local.resources import Resource
from gateway_runtime.local.routes import ROUTE, ROUTE_WEIGHTED
from gateway_runtime.local.service_policies import MACHINE, TLS_OUTBOUND

__all__ = [
    "API_VERSIONS",
    "DEFAULT_NAMESPACE",
    "FILE_BYTES",
    "MACHINE",
    "ROUTE",
    "ROUTE_WEIGHTED",
    "TLS_OUTBOUND",
    "Assembled",
    "FileFault",
    "FilesRefused",
    "Kind",
    "Place",
    "Reference",
    "Resource",
    "assemble_files",
    "read_entries",
    "references",
]
