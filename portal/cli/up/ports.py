"""Ports: checked before anything starts, picked free and remembered where nobody asked for one."""

import json
import socket
from pathlib import Path

from portal.cli.up.errors import StartError


def port_is_free(host: str, port: int) -> bool:
    """Say whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: connections of the last run that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def require_free(host: str, port: int, *, purpose: str, variable: str) -> None:
    """Refuse to start on a port that something else uses."""
    try:
        free = port_is_free(host, port)
    except OSError as error:
        raise StartError(f"The address {host} of {purpose} cannot be used ({error}). Set another one.") from error
    if not free:
        raise StartError(
            f"Port {port} for {purpose} is already in use or not allowed. Stop what uses it, or set {variable}."
        )


def remembered_ports(path: Path, names: list[str]) -> dict[str, int]:
    """Return a free loopback port for each name, the same ones as last time where they are still free."""
    try:
        known = {str(name): int(port) for name, port in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        known = {}
    ports: dict[str, int] = {}
    # All probes stay open until the end, so that no two names are given the same port.
    probes: list[socket.socket] = []
    for name in names:
        port = known.get(name, 0)
        if not port or port in ports.values() or not port_is_free("127.0.0.1", port):
            probe = socket.socket()
            probe.bind(("127.0.0.1", 0))
            probes.append(probe)
            port = probe.getsockname()[1]
        ports[name] = port
    for probe in probes:
        probe.close()
    path.write_text(json.dumps(ports, indent=2) + "\n", encoding="utf-8")
    return ports
