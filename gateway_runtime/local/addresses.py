"""The addresses of instances and services, read strictly."""

import ipaddress
import re
from typing import NamedTuple

from gateway_runtime.http.refusals import BadMessage
from gateway_runtime.http.target import parse_target
from gateway_runtime.local.place import Place

_PORTS = {"http": 80, "https": 443}
_match_address = re.compile(r"(https?)://(\[[^\]/]*\]|[^:/?#@\[\]]*)(?::([0-9]{1,5}))?(/[^?#]*)?").fullmatch
_match_name = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9_]))*\.?").fullmatch


class Address(NamedTuple):
    """What an address says. `path` has no trailing slash."""

    scheme: str
    host: str
    port: int
    path: str


def read_address(text: str, place: Place) -> Address:
    """Return the parts of `http|https://host[:port][/path]`. Raises `FileFault`."""
    found = _match_address(text)
    if found is None:
        message = f"“{text}” is not an address. Write http://host:port or https://host:port."
        raise place.fault(message, "invalid_address")
    scheme, host, digits, path = found.groups()
    port = int(digits) if digits else _PORTS[scheme]
    if not 1 <= port <= 65_535:
        raise place.fault(f"{port} is not a port.", "invalid_address")
    return Address(scheme, _host(host, place), port, (path or "").rstrip("/"))


def _host(host: str, place: Place) -> str:
    bare = host.strip("[]").lower()
    try:
        ipaddress.IPv6Address(bare) if host.startswith("[") else ipaddress.IPv4Address(bare)
    except ValueError:
        # A name whose last part is a number would be read as an IPv4 address by some and not by others.
        last = bare.rstrip(".").rpartition(".")[2]
        if host.startswith("[") or not _match_name(bare) or last.isdigit():
            raise place.fault(f"“{host}” is not a host name or address.", "invalid_address") from None
    return bare


def read_instance_address(text: str, place: Place) -> Address:
    """Return the address of an ApiInstance: its path is the base path. Raises `FileFault`."""
    address = read_address(text, place)
    if not address.path:
        return address
    try:
        path, _ = parse_target(address.path.encode(), b"")
    except BadMessage:
        message = (
            f"The base path “{address.path}” is not one that a request can have: it has an empty or a dot segment, "
        )
        raise place.fault(f"{message}a byte that no path may have, or an escape.", "invalid_address") from None
    return address._replace(path=path.decode())


def read_service_address(text: str, place: Place) -> Address:
    """Return the address of a Service, which has no path. Raises `FileFault`."""
    address = read_address(text, place)
    if address.path:
        message = f"The address of a service has no path. Write “{address.path}” as destinationPath of its routes."
        raise place.fault(message, "invalid_address")
    return address
