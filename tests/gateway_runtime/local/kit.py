"""Declarative files as text, loaded and asked as a gateway would."""

from textwrap import dedent

import pytest

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.configuration.snapshot import Snapshot
from gateway_runtime.decide import Call, Decision, decide
from gateway_runtime.local.faults import FilesRefused
from gateway_runtime.local.loading import Loaded, load_files
from gateway_runtime.schema.document import ApiInstance
from gateway_runtime.upstream.registry import PoolRegistry

PORT = 8080
HEAD = "apiVersion: gateway.mulesoft.com/v1alpha1\n"


def resource(kind: str, name: str, spec: str, **metadata: str) -> str:
    """Return one document. `spec` is indented YAML."""
    lines = [f"{HEAD}kind: {kind}", "metadata:", f"  name: {name}", *(f"  {k}: {v}" for k, v in metadata.items())]
    body = "\n".join(f"  {line}" for line in dedent(spec).strip("\n").splitlines())
    return "\n".join([*lines, "spec:", body]) + "\n"


def instance(name: str = "museum", address: str = "http://0.0.0.0:8080", more: str = "", **metadata: str) -> str:
    """Return an ApiInstance."""
    return resource("ApiInstance", name, f"address: {address}\n{dedent(more).strip()}", **metadata)


def service(name: str = "exhibits", address: str = "http://10.0.0.1:9000", **metadata: str) -> str:
    """Return a Service."""
    return resource("Service", name, f"address: {address}", **metadata)


def binding(name: str, spec: str, **metadata: str) -> str:
    """Return a PolicyBinding."""
    return resource("PolicyBinding", name, spec, **metadata)


def loaded(*documents: str, **environment: str) -> Loaded:
    """Load documents as one file."""
    return load_files([("api.yaml", "---\n".join(documents).encode())], environment)


def faults(*documents: str, **environment: str) -> list[str]:
    """Return everything that is wrong with documents."""
    with pytest.raises(FilesRefused) as caught:
        loaded(*documents, **environment)
    return [str(fault) for fault in caught.value.faults]


def fault(*documents: str, **environment: str) -> str:
    """Return the one thing that is wrong with documents."""
    (found,) = faults(*documents, **environment)
    return found


def only_api(made: Loaded) -> ApiInstance:
    """Return the one instance of a configuration."""
    (api,) = made.document.apis
    return api


def snapshot(made: Loaded) -> Snapshot:
    """Compile as a worker does."""
    return Compiler(PoolRegistry(), clock=lambda: 1000.0).compile(1, made.digest, made.data).snapshot


def ask(made: Loaded, target: str, **call: object) -> Decision:
    """Return what a gateway would do with a request."""
    return decide(snapshot(made), Call(**{"port": PORT, "target": target, **call}))  # type: ignore[arg-type]
