"""Ports: checked before anything starts, picked free and remembered where nobody asked for one."""

import json
import random
import socket
from collections.abc import Collection
from pathlib import Path

from portal.cli.up.errors import StartError

LOWEST_PICKED = 10_000
# Where the kernel takes the local ports of outgoing connections from: one of these may be gone at any moment.
OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
FIRST_OUTGOING = 32_768


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
    for name in names:
        port = known.get(name, 0)
        if not port or port in ports.values() or not port_is_free("127.0.0.1", port):
            port = pick_port(avoid=ports.values())
        ports[name] = port
    path.write_text(json.dumps(ports, indent=2) + "\n", encoding="utf-8")
    return ports


def pick_port(*, avoid: Collection[int] = ()) -> int:
    """Return a free loopback port that no outgoing connection is given while its server is still starting."""
    candidates = range(LOWEST_PICKED, max(_first_outgoing(), LOWEST_PICKED + 1000))
    for port in random.sample(candidates, k=min(len(candidates), 200)):
        if port not in avoid and port_is_free("127.0.0.1", port):
            return port
    raise StartError("No free port was found on this machine. Stop what uses them.")


def _first_outgoing() -> int:
    try:
        return int(OUTGOING.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return FIRST_OUTGOING
