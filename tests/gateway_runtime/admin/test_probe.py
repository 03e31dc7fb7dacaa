"""The pages of the port for probes, and which port it may be."""

import asyncio
import json
from typing import Any

import pytest

from gateway_runtime.admin.pages import AdminPages
from gateway_runtime.admin.probe import ProbePages, ProbePort
from gateway_runtime.admin.server import AdminServer
from gateway_runtime.configuration.ports import check_probe
from gateway_runtime.configuration.source import Offer
from gateway_runtime.schema.document import Document, Listener, encode
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.probe import Probe
from tests.gateway_runtime.admin.test_pages import Gateway


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def ask(pages: ProbePages, path: str) -> tuple[int, Any]:
    found = pages.page(path)
    return found.status, json.loads(found.body)


def test_readiness_is_that_of_the_admin_port(gateway: Gateway) -> None:
    admin = AdminPages(gateway)  # type: ignore[arg-type]
    pages = ProbePages(admin)
    gateway.workers.api_names = {}
    assert ask(pages, "/probes/readiness")[0] == 503
    gateway.workers.api_names = {"a": "Orders"}
    # Asked of either, it is ready at both from then on.
    assert admin.page("/readyz").status == 200
    gateway.workers.api_names = {}
    assert ask(pages, "/probes/readiness") == (200, {"status": "ready"})
    gateway.stopping = True
    assert ask(pages, "/probes/readiness")[1]["code"] == "draining"
    assert ask(pages, "/probes/liveness") == (200, {"status": "alive"})


@pytest.mark.parametrize("path", ["/", "/metrics", "/revision", "/readyz", "/probes", "/probes/startup"])
def test_nothing_else_is_shown(gateway: Gateway, path: str) -> None:
    pages = ProbePages(AdminPages(gateway))  # type: ignore[arg-type]
    assert ask(pages, path) == (404, {"code": "not_found", "pages": ["/probes/readiness", "/probes/liveness"]})


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(ConfigFault, match="from 1 to 65535"):
        check_probe(Document(gateway="g", name="g", probe=Probe(port=port)))


def test_a_port_of_a_listener_is_refused_with_its_name() -> None:
    listeners = [Listener(id="l", name="public", port=8080)]
    check_probe(Document(gateway="g", name="g", listeners=listeners, probe=Probe(port=8081)))
    with pytest.raises(ConfigFault, match="that of listener “public”") as caught:
        check_probe(Document(gateway="g", name="g", listeners=listeners, probe=Probe(port=8080)))
    assert (caught.value.path, caught.value.code) == ("probe.port", "probe_port_in_use")


def test_the_admin_port_is_refused_before_anything_is_applied(gateway: Gateway) -> None:
    pages = AdminPages(gateway)  # type: ignore[arg-type]
    admin = AdminServer(pages)
    admin.port = 9000
    applied = []

    async def apply(offer: Offer) -> list[Any]:
        applied.append(offer)
        return []

    data = encode(Document(gateway="g", name="g", probe=Probe(port=9000)))
    with pytest.raises(ConfigFault, match="Port 9000 is the admin port"):
        asyncio.run(ProbePort(pages, admin).around(Offer(1, "d", data), apply))
    assert applied == []
