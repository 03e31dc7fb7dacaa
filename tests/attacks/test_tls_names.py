"""The name asked for in TLS decides about the certificate alone: B16 of the catalogue, with I1 and I4 beside it."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.attacks.client import RawClient
from tests.attacks.variants import spellings
from tests.certificates import Authority
from tests.integration.gateway.conftest import GatewayProcess, backend
from tests.stack import free_ports

__all__ = ["backend"]

AUTHORITY, STRANGER = Authority(), Authority("Another CA")
PAIR = AUTHORITY.issue("public.test", "secret.test")
FILES = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: shared}}
spec:
  address: https://127.0.0.1:{shared}
  services: {{all: {{address: "http://127.0.0.1:{service}"}}}}
  policies:
    - policyRef: {{name: tls}}
      config: {{certificate: {{crt: $CERTIFICATE, key: $KEY}}}}
    - policyRef: {{name: http-basic-authentication}}
      config: {{username: ada, password: sesame}}
      rules: [{{host: "secret[.]test"}}]
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: closed}}
spec:
  address: https://127.0.0.1:{closed}
  services: {{all: {{address: "http://127.0.0.1:{service}"}}}}
  policies:
    - policyRef: {{name: tls}}
      config:
        certificate: {{crt: $CERTIFICATE, key: $KEY}}
        requireClientCertificate: true
        trustedCA: $CA
"""
NAMES = (
    None,
    "public.test",
    "secret.test",
    "SECRET.test",
    "other.test",
    "localhost",
    "a.secret.test",
    "x" * 60 + ".test",
)
SECRET = [
    host + port
    for host in (*spellings(b"secret.test"), b"secret.test.")
    for port in (b"", b":443", b":8443", b":80", b":65535")
]
PUBLIC = [b"public.test", b"secret.test.evil.test", b"xsecret.test", b"secret-test", b"public.test:443", b"127.0.0.1"]


class Ports(NamedTuple):
    """Where the gateway listens: for everybody, and for those with a certificate."""

    shared: int
    closed: int


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory, backend: int) -> Iterator[Ports]:
    folder = tmp_path_factory.mktemp("names")
    made = Ports(*free_ports(2))
    config = folder / "names.yaml"
    config.write_text(FILES.format(shared=made.shared, closed=made.closed, service=backend))
    variables = {"CERTIFICATE": PAIR.certificate, "KEY": PAIR.key, "CA": AUTHORITY.pem}
    gateway = GatewayProcess(folder, config=config, workers=1, environment=variables).start()
    gateway.wait_for_revision(1)
    yield made
    gateway.kill()


def context(folder: Path | None = None, authority: Authority | None = None) -> ssl.SSLContext:
    """Return a client that believes every server, with a certificate of an authority."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if folder is not None and authority is not None:
        pair = authority.issue("client.test")
        path = folder / "client.pem"
        path.write_text(pair.certificate + pair.key)
        made.load_cert_chain(path)
    return made


async def status(port: int, name: str | None, data: bytes, tls: ssl.SSLContext) -> int:
    """Return the status of an answer, 0 where there is none."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name or "")
    except (OSError, ssl.SSLError):
        return 0
    try:
        writer.write(data)
        async with asyncio.timeout(10):
            answer = await RawClient(reader, writer).answer()
        return 0 if answer is None else answer.status
    except (OSError, ssl.SSLError):
        return 0
    finally:
        writer.transport.abort()


def statuses(
    port: int, requests: list[tuple[str | None, bytes]], tls: ssl.SSLContext
) -> dict[tuple[str | None, bytes], int]:
    async def ask() -> dict[tuple[str | None, bytes], int]:
        gate = asyncio.Semaphore(8)

        async def one(name: str | None, data: bytes) -> int:
            async with gate:
                return await status(port, name, data, tls)

        found = await asyncio.gather(*(one(*request) for request in requests))
        return dict(zip(requests, found, strict=True))

    return asyncio.run(ask())


def requests_for(hosts: list[bytes]) -> list[tuple[str | None, bytes]]:
    """Return requests by every name asked for, every host, and both forms of the target."""
    found: list[tuple[str | None, bytes]] = []
    for name, host in itertools.product(NAMES, hosts):
        for target in (b"/x", b"https://" + host + b"/x"):
            found.append((name, b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"))
    return found


def test_the_lock_of_a_host_holds_whatever_name_was_asked_for(ports: Ports) -> None:
    found = statuses(ports.shared, requests_for(SECRET), context())
    assert len(found) >= 400
    assert {key: value for key, value in found.items() if value != 401} == {}


def test_other_hosts_are_not_locked_whatever_name_was_asked_for(ports: Ports) -> None:
    found = statuses(ports.shared, requests_for(PUBLIC), context())
    assert {key: value for key, value in found.items() if value != 200} == {}


def test_two_hosts_in_one_request_are_refused(ports: Ports) -> None:
    requests: list[tuple[str | None, bytes]] = []
    for name, host in itertools.product(NAMES, (b"secret.test", b"secret.test:443", b"SECRET.TEST.")):
        for line in (
            b"GET https://public.test/x HTTP/1.1\r\nHost: " + host,
            b"GET https://" + host + b"/x HTTP/1.1\r\nHost: public.test",
            b"GET http://" + host + b"/x HTTP/1.1\r\nHost: " + host,
            b"GET /x HTTP/1.1\r\nHost: public.test\r\nHost: " + host,
            b"GET /x HTTP/1.1\r\nHost: public.test, " + host,
            b"GET /x HTTP/1.1\r\nHost: public.test@" + host,
        ):
            requests.append((name, line + b"\r\n\r\n"))
    found = statuses(ports.shared, requests, context())
    assert {key: value for key, value in found.items() if value != 400} == {}


def test_no_name_leads_around_a_client_certificate(ports: Ports, tmp_path: Path) -> None:
    requests = requests_for([b"public.test", b"secret.test"])
    for tls in (context(), context(tmp_path, STRANGER)):
        assert {*statuses(ports.closed, requests, tls).values()} == {0}
    assert {*statuses(ports.closed, requests, context(tmp_path, AUTHORITY)).values()} == {200}


def test_a_session_of_one_port_opens_no_other(ports: Ports) -> None:
    """A ticket of the open port is worth nothing where a certificate has to be shown."""
    tls = context()
    tls.maximum_version = ssl.TLSVersion.TLSv1_2

    def connect(port: int, session: ssl.SSLSession | None) -> ssl.SSLSession | None:
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            tls.wrap_socket(plain, server_hostname="secret.test", session=session) as secure,
        ):
            secure.sendall(b"GET /x HTTP/1.1\r\nHost: public.test\r\n\r\n")
            assert secure.recv(12) == b"HTTP/1.1 200"
            return secure.session

    session = connect(ports.shared, None)
    with pytest.raises((OSError, ssl.SSLError, AssertionError)):
        connect(ports.closed, session)
