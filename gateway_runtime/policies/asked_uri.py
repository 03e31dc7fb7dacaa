"""Where a service of the operator is that a policy asks, as its settings say it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from gateway_runtime.schema.document import Service, Target

_uri = re.compile(
    r"(h2|https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?)(?::([0-9]{1,5}))?"
    r"(/[!\"$-~]*)?"
).fullmatch
_PORTS = {"h2": 80, "http": 80, "https": 443}


class AskedUri(NamedTuple):
    """A URI that has been read. `path` is empty without one."""

    scheme: str
    host: str
    port: int
    path: str

    def service(self, kind: str, protocol: Literal["http1", "http2"]) -> Service:
        """Return it as a service with one target: the same for every policy that asks it, so connections are shared."""
        return Service(
            id=f"{kind} {self.scheme}://{self.host}:{self.port}",
            name=f"{self.host}:{self.port}",
            targets=[Target(host=self.host, port=self.port)],
            scheme="https" if self.scheme == "https" else "http",
            protocol=protocol,
        )


def read_uri(text: str) -> AskedUri:
    """Read a URI. Raises `ValueError`."""
    found = _uri(text)
    if found is None or not 1 <= int(found[3] or 1) <= 65_535:
        raise ValueError("A URI is h2://, http:// or https://, a host, perhaps a port, and no user name")
    scheme, host, port, path = found.groups()
    return AskedUri(scheme, host.strip("[]").lower(), int(port or _PORTS[scheme]), path or "")


def read_grpc_uri(text: str) -> AskedUri:
    """Read the URI of a server of gRPC. Raises `ValueError`."""
    found = read_uri(text)
    if found.path not in ("", "/"):
        raise ValueError("The URI of a gRPC server has no path")
    return found
