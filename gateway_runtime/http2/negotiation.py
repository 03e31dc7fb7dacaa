"""Chooses how to speak with a client once TLS has agreed on it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway_runtime.http.protocol import ClientConnection
from gateway_runtime.http2.caller import CallerConnection

if TYPE_CHECKING:
    from gateway_runtime.http.state import WorkerState


class Negotiated(asyncio.Protocol):
    """Stands in until the handshake is done: the event loop wants a protocol before that.

    `address` is where the connection comes from, which has been counted.
    """

    __slots__ = ("_address", "_port", "_state")

    def __init__(self, state: WorkerState, port: int, address: str) -> None:
        self._state = state
        self._port = port
        self._address = address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        tls = transport.get_extra_info("ssl_object")
        kind = CallerConnection if tls.selected_alpn_protocol() == "h2" else ClientConnection
        chosen = kind(self._state, self._port, self._address)
        transport.set_protocol(chosen)
        chosen.connection_made(transport)
