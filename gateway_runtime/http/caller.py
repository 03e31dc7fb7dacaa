"""What an exchange needs of whoever asked: a connection of HTTP/1.1, or one stream of HTTP/2."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway_runtime.http.flow_control import ReadGate
    from gateway_runtime.http.state import WorkerState
    from gateway_runtime.tls.client_certificate import ClientCertificate


class Caller(Protocol):
    """The client's side of one exchange. `writable`: it takes more at the moment."""

    state: WorkerState
    port: int
    peer: str
    forwarded: bytes
    certificate: ClientCertificate | None
    gate: ReadGate
    writable: bool
    closing: bool

    @property
    def transport(self) -> asyncio.Transport: ...

    def send_continue(self) -> None: ...

    def wait_for_body(self) -> None: ...

    def wait_for_answer(self) -> None: ...

    def wait_for_stream(self) -> None: ...

    def close_after_reply(self) -> None: ...

    def exchange_ended(self) -> None: ...

    def abort(self) -> None: ...
