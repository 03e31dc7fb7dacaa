"""The ports of listeners: which they are on this replica, and whether they are free."""

import errno
import ipaddress
import socket
from typing import TypeVar

import msgspec

from gateway_runtime.schema.document import Listener, Outline, Surroundings
from gateway_runtime.schema.faults import ConfigFault

_Document = TypeVar("_Document", bound=Surroundings)


class _Listeners(msgspec.Struct):
    listeners: list[Listener] = []


_decode_outline = msgspec.json.Decoder(Outline).decode


def shifted(document: bytes, offset: int) -> bytes:
    """Return a document with `offset` added to each port that it opens: so two replicas run on one machine.

    Raises `ConfigFault` for a port that there is not.
    """
    if not offset:
        return document
    try:
        outline = _decode_outline(document)
    except msgspec.MsgspecError:
        # The compiler says what is wrong with the document.
        return document
    candidate = outline.candidate
    if candidate is not None and candidate.surroundings is not None:
        candidate = msgspec.structs.replace(candidate, surroundings=_shifted(candidate.surroundings, offset))
    return msgspec.json.encode(msgspec.structs.replace(_shifted(outline, offset), candidate=candidate))


def _shifted(document: _Document, offset: int) -> _Document:
    listeners = []
    for index, listener in enumerate(document.listeners):
        if not 0 < listener.port + offset < 65_536:
            text = f"Port {listener.port} of listener “{listener.name}” with the offset {offset} is none."
            raise ConfigFault(f"listeners[{index}].port", "invalid_value", f"{text} Choose another --port-offset.")
        listeners.append(msgspec.structs.replace(listener, port=listener.port + offset))
    probe = document.probe
    if probe is not None:
        probe = msgspec.structs.replace(probe, port=probe.port + offset)
    return msgspec.structs.replace(document, listeners=listeners, probe=probe)


def probe_listeners(document: bytes, held: list[Listener]) -> list[Listener]:
    """Return a document's listeners after trying those that are new. Raises `ConfigFault` for a port in use.

    Workers share a port by SO_REUSEPORT, and so would another gateway of the same user, silently taking half of the
    connections: only a bind without that option tells.
    """
    try:
        listeners = msgspec.json.decode(document, type=_Listeners).listeners
    except msgspec.MsgspecError:
        # The compiler says what is wrong with the document.
        return []
    known = {listener.port for listener in held}
    for index, listener in enumerate(listeners):
        if listener.port not in known:
            try:
                try_port(listener.host, listener.port)
            except OSError as error:
                raise port_fault(listener, index, error) from error
    return listeners


def try_port(host: str, port: int) -> None:
    """Raise `OSError` when an address and port cannot be had."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        # A name: resolving it is left to the listener.
        return
    with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET) as probe:
        # Connections of an earlier run that linger in TIME_WAIT do not count as a user of the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def port_fault(listener: Listener, index: int, error: OSError) -> ConfigFault:
    """Say why a listener cannot be opened."""
    reason = "is already in use" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
    text = f"Port {listener.port} of listener “{listener.name}” {reason}. Choose another port or free this one."
    return ConfigFault(f"listeners[{index}].port", "listener_port_in_use", text)


def check_probe(document: Surroundings) -> None:
    """Raise `ConfigFault` where the port for probes is none, or one for traffic."""
    probe = document.probe
    if probe is None:
        return
    if not 0 < probe.port < 65_536:
        raise ConfigFault("probe.port", "invalid_value", f"It must be from 1 to 65535, not {probe.port}.")
    for listener in document.listeners:
        if listener.port == probe.port:
            text = f"Port {probe.port} is that of listener “{listener.name}”. Choose another one for probes."
            raise ConfigFault("probe.port", "probe_port_in_use", text)
