"""The port for probes that a configuration asks for: opened and closed as revisions come."""

from __future__ import annotations

import os

import msgspec

from gateway_runtime.admin.pages import AdminPages
from gateway_runtime.admin.server import AdminServer, Page
from gateway_runtime.configuration.client import ApplyToAll
from gateway_runtime.configuration.ports import try_port
from gateway_runtime.configuration.source import Offer
from gateway_runtime.control import ApiFault
from gateway_runtime.log import log
from gateway_runtime.schema.document import Listener
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.probe import Probe

HOST = "0.0.0.0"  # noqa: S104 - whoever probes is elsewhere
PORT_IN_USE = "probe_port_in_use"
_PAGES = {"/probes/readiness": "/readyz", "/probes/liveness": "/livez"}


class _Outline(msgspec.Struct):
    """What of a document matters here."""

    probe: Probe | None = None
    listeners: list[Listener] = []


class ProbePages:
    """Readiness and liveness as Flex Gateway's probes ask for them, and nothing else."""

    def __init__(self, pages: AdminPages) -> None:
        self._pages = pages

    def page(self, path: str) -> Page:
        """Return the answer for a path."""
        found = _PAGES.get(path)
        if found is not None:
            return self._pages.page(found)
        body = msgspec.json.encode({"code": "not_found", "pages": [*_PAGES]}) + b"\n"
        return Page(404, "application/json", body)


class ProbePort:
    """Follows the configuration. While it is `held`, another process of this replica has the port."""

    def __init__(self, pages: AdminPages, admin: AdminServer) -> None:
        self._pages = ProbePages(pages)
        self._admin = admin
        self._server: AdminServer | None = None
        self._wanted: Probe | None = None
        self.held = False

    @property
    def port(self) -> int:
        """Return the open port, 0 for none."""
        return self._server.port if self._server is not None else 0

    async def around(self, offer: Offer, apply: ApplyToAll) -> list[ApiFault]:
        """Apply a revision together with its port: both or neither. Raises `ConfigFault`."""
        try:
            outline = msgspec.json.decode(offer.document, type=_Outline)
        except msgspec.MsgspecError:
            # The compiler says what is wrong with the document.
            return await apply(offer)
        before, wanted = self._server, outline.probe
        if self.held or wanted == self._wanted:
            faults = await apply(offer)
            self._wanted = wanted
            return faults
        opened = await self._open_free(wanted) if wanted is not None else None
        in_the_way = before is not None and any(listener.port == before.port for listener in outline.listeners)
        if before is not None and in_the_way:
            await before.close()
        try:
            faults = await apply(offer)
        except BaseException:
            if opened is not None:
                await opened.close()
            if in_the_way:
                await self.open()
            raise
        if before is not None and not in_the_way:
            await before.close()
        self._server, self._wanted = opened, wanted
        return faults

    async def open(self) -> None:
        """Open the port of the revision that is served, beside another process of this replica if need be."""
        self.held = False
        self._server = None
        if self._wanted is None:
            return
        try:
            self._server = await self._opened(self._wanted.port)
        except OSError as error:
            log.error("probe_port_not_opened", port=self._wanted.port, error=error)

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            await self._server.close()
            self._server = None

    async def _open_free(self, wanted: Probe) -> AdminServer:
        if wanted.port == self._admin.port:
            text = f"Port {wanted.port} is the admin port, which has /readyz and /livez. Choose another one for probes."
            raise ConfigFault("probe.port", PORT_IN_USE, text)
        try:
            # A port is shared with other processes of this replica only.
            try_port(HOST, wanted.port)
            return await self._opened(wanted.port)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            text = f"Port {wanted.port} for probes cannot be opened: {reason}. Choose another port or free this one."
            raise ConfigFault("probe.port", PORT_IN_USE, text) from error

    async def _opened(self, port: int) -> AdminServer:
        server = AdminServer(self._pages, "probe_listening")
        await server.open(HOST, port, shared=True)
        return server
