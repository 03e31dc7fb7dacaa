"""TLS to services over real sockets: who is trusted, who is asked for, and who we say we are."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from gateway_runtime.schema.document import HealthCheck, UpstreamTls
from tests.certificates import Authority
from tests.gateway_runtime.fakes import get
from tests.integration.gateway.upstreams import LOOPS, answering, gateway, server_context, serving

pytestmark = pytest.mark.integration

OURS = Authority("Ours")
CLIENTS = Authority("Clients")
SERVICE = OURS.issue("orders.example", "127.0.0.1")
GATEWAY = CLIENTS.issue("gateway.example", common_name="gateway")


@pytest.fixture(params=[*LOOPS])
def run(request: pytest.FixtureRequest) -> Any:
    return LOOPS[request.param]


def ask(run: Any, settings: UpstreamTls | None, context: ssl.SSLContext, behave: Any = None, **more: Any) -> Any:
    async def scenario() -> Any:
        async with serving(behave or answering("hi"), tls=context) as port, gateway() as made:
            made.serve([port], scheme="https", tls=settings, **more)
            return await made.ask(get())

    return run(scenario())


def test_an_own_authority_is_trusted_and_no_other(run: Any) -> None:
    context = server_context(SERVICE)
    assert ask(run, UpstreamTls(trusted_ca=OURS.pem), context) == (200, "hi")
    for settings in (None, UpstreamTls(), UpstreamTls(trusted_ca=CLIENTS.pem)):
        status, body = ask(run, settings, context)
        assert status == 502
        assert "upstream_tls_failed" in body


def test_a_certificate_that_has_expired_is_refused(run: Any) -> None:
    context = server_context(OURS.issue("127.0.0.1", days=-1))
    assert ask(run, UpstreamTls(trusted_ca=OURS.pem), context)[0] == 502


def test_a_certificate_with_the_name_in_its_common_name_alone_is_refused(run: Any) -> None:
    context = server_context(OURS.issue(common_name="orders.example"))
    assert ask(run, UpstreamTls(trusted_ca=OURS.pem, server_name="orders.example"), context)[0] == 502


def test_without_validation_everything_goes(run: Any) -> None:
    context = server_context(Authority("Nobody's").issue("nobody.example", days=-1))
    assert ask(run, UpstreamTls(skip_validation=True), context) == (200, "hi")


def test_the_server_name_is_asked_for_and_must_be_in_the_certificate(run: Any) -> None:
    context = server_context(OURS.issue("orders.example"))
    seen: list[str | None] = []
    context.sni_callback = lambda connection, name, _: seen.append(name)  # type: ignore[assignment]
    assert ask(run, UpstreamTls(trusted_ca=OURS.pem, server_name="orders.example"), context) == (200, "hi")
    assert ask(run, UpstreamTls(trusted_ca=OURS.pem, server_name="stock.example"), context)[0] == 502
    assert ask(run, UpstreamTls(trusted_ca=OURS.pem), context)[0] == 502, "the address is not in the certificate"
    assert seen == ["orders.example", "stock.example", None]


def test_a_service_that_asks_gets_our_certificate(run: Any) -> None:
    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        subject = dict(field[0] for field in writer.get_extra_info("peercert")["subject"])
        name = subject["commonName"].encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name))
        await writer.drain()

    context = server_context(SERVICE, client_ca=CLIENTS.pem)
    pair = {"certificate": GATEWAY.certificate, "key": GATEWAY.key}
    assert ask(run, UpstreamTls(trusted_ca=OURS.pem, **pair), context, tell) == (200, "gateway")
    # TLS 1.3 tells a client without a certificate only after the handshake.
    for max_version in ("1.2", "1.3"):
        assert ask(run, UpstreamTls(trusted_ca=OURS.pem, max_version=max_version), context, tell)[0] == 502
    wrong = OURS.issue("gateway.example")
    settings = UpstreamTls(trusted_ca=OURS.pem, certificate=wrong.certificate, key=wrong.key)
    assert ask(run, settings, context, tell)[0] == 502


def test_versions_and_suites_have_to_meet(run: Any) -> None:
    context = server_context(SERVICE)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    assert ask(run, UpstreamTls(trusted_ca=OURS.pem, max_version="1.2"), context)[0] == 502
    assert ask(run, UpstreamTls(trusted_ca=OURS.pem, min_version="1.3"), context) == (200, "hi")


def test_health_checks_speak_the_same_tls(run: Any) -> None:
    async def scenario() -> None:
        async with serving(answering("hi"), tls=server_context(SERVICE)) as port, gateway() as made:
            check = HealthCheck(interval_seconds=0.1, unhealthy_after=1, healthy_after=1)
            made.serve([port], scheme="https", tls=UpstreamTls(trusted_ca=CLIENTS.pem), health_check=check)
            async with asyncio.timeout(5):
                while made.states() != ["unhealthy"]:
                    await asyncio.sleep(0.02)
            made.serve([port], scheme="https", tls=UpstreamTls(trusted_ca=OURS.pem), health_check=check)
            async with asyncio.timeout(5):
                while made.states() != ["healthy"]:
                    await asyncio.sleep(0.02)

    run(scenario())
