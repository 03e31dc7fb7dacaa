"""Which instances may listen together: one address per port, and no base path inside another one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway_runtime.local.addresses import Address
from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.resources import Resource

# Probes and metrics.
RESERVED_PORT = 9998


@dataclass(frozen=True, slots=True)
class Placed:
    """An instance and where it listens."""

    resource: Resource
    address: Address

    def fault(self, message: str, code: str) -> FileFault:
        """Return a fault at the instance's address."""
        return self.resource.place.at("address").fault(message, code)

    @property
    def shown(self) -> str:
        """Return name and place for a sentence about this instance."""
        return f"“{self.resource.title}” ({self.resource.place.at('address').shown})"


def sharing_faults(placed: Iterable[Placed]) -> list[FileFault]:
    """Return what is wrong with the addresses of all instances together."""
    faults: list[FileFault] = []
    first_on: dict[int, Placed] = {}
    base_paths: dict[tuple[int, str], Placed] = {}
    ordered = list(placed)
    for each in ordered:
        port = each.address.port
        if port == RESERVED_PORT:
            message = f"Port {port} is reserved for probes and metrics. Choose another one."
            faults.append(each.fault(message, "reserved_port"))
        first = first_on.setdefault(port, each)
        if (first.address.scheme, first.address.host) != (each.address.scheme, each.address.host):
            opened = f"{first.address.scheme}://{first.address.host}"
            message = f"Port {port} is already opened as {opened} by {first.shown}. A port has one address."
            faults.append(each.fault(message, "port_in_use"))
        other = base_paths.setdefault((port, each.address.path), each)
        if other is not each:
            shown = each.address.path or "/"
            message = f"“{each.resource.title}” has the same base path {shown} on port {port} as {other.shown}."
            faults.append(each.fault(message, "base_path_in_use"))
    faults += [fault for each in ordered if (fault := _inside(each, base_paths))]
    return faults


def _inside(each: Placed, base_paths: dict[tuple[int, str], Placed]) -> FileFault | None:
    """Return the fault of a base path of which another one is the beginning."""
    port, path = each.address.port, each.address.path
    while path:
        path = path.rpartition("/")[0]
        outer = base_paths.get((port, path))
        if outer is not None:
            message = (
                f"The base path {each.address.path} of “{each.resource.title}” lies inside {path or '/'} of "
                f"{outer.shown} on port {port}. Base paths on one port may not contain each other."
            )
            return each.fault(message, "base_path_overlap")
    return None
