"""Shared storage that declarative files name: with a user of its own, and with TLS both ways."""

import asyncio
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.certificates import Authority, Pair
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess
from tests.integration.gateway.test_shared_limits import spread, wait_for_storage

pytestmark = pytest.mark.integration

FILES = """\
apiVersion: gateway.mulesoft.com/v1beta1
kind: Configuration
metadata: {{name: storage}}
spec:
  sharedStorage:
    redis: {storage}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: orders}}
spec:
  address: http://127.0.0.1:{port}/orders
  services: {{all: {{address: "http://127.0.0.1:{backend}"}}}}
  policies:
    - policyRef: {{name: rate-limiting-flex}}
      config:
        rateLimits: [{{maximumRequests: 10, timePeriodInMilliseconds: 3600000}}]
"""


class TlsFront:
    """Speaks TLS in front of a Redis, with callers whose certificate an authority has signed."""

    def __init__(self, authority: Authority, pair: Pair, behind: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(pair.certificate + pair.key)
            file.flush()
            self._context.load_cert_chain(file.name)
        self._context.load_verify_locations(cadata=authority.pem)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._behind = behind
        self._ready = Event()
        self.port = 0
        # Ends what still serves, too.
        self.thread = Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.thread.start()
        assert self._ready.wait(5)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        with suppress(ConnectionError):
            await asyncio.gather(_copy(reader, behind_writer), _copy(behind_reader, writer))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self.thread.join(5)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def front(redis_server: RedisServer, authority: Authority) -> Iterator[TlsFront]:
    found = TlsFront(authority, authority.issue("127.0.0.1"), redis_server.port)
    yield found
    found.close()


def start(tmp_path: Path, storage: str, port: int, backend: int, **environment: str) -> GatewayProcess:
    file = tmp_path / "api.yaml"
    file.write_text(FILES.format(storage=storage, port=port, backend=backend))
    gateway = GatewayProcess(tmp_path, config=file, environment=environment).start()
    gateway.wait_for_revision(1)
    return gateway


def test_a_user_who_may_touch_nothing_but_the_gateways_keys_is_enough(
    redis_server: RedisServer, tmp_path: Path, port: int, backend: int
) -> None:
    with redis_server.client() as redis:
        redis.execute_command(
            "ACL", "SETUSER", "edge", "on", ">open sesame", "resetkeys", "~portico:gateway:local:*", "resetchannels",
            "-@all", "+ping", "+select", "+eval", "+evalsha", "+time", "+hmget", "+hset", "+pexpire", "+pttl", "+zadd",
            "+zcard", "+zrem", "+zremrangebyscore", "+get", "+set",
        )  # fmt: skip
    storage = f"{{address: '127.0.0.1:{redis_server.port}', username: edge, password: $STORE, db: 2}}"
    gateway = start(tmp_path, storage, port, backend, STORE="open sesame")
    try:
        wait_for_storage(gateway, up=True)
        assert spread(port, 40) == {200: 10, 429: 30}
        with redis_server.client() as redis:
            redis.select(2)
            assert {key.split(b":")[2] for key in redis.keys("*")} == {b"local"}
        assert "open sesame" not in gateway.log
        for pid in gateway.worker_pids():
            assert b"sesame" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    finally:
        gateway.kill()


def test_tls_both_ways(
    redis_server: RedisServer, authority: Authority, front: TlsFront, tmp_path: Path, port: int, backend: int
) -> None:
    pair = authority.issue("edge.example")
    storage = (
        f"{{address: '127.0.0.1:{front.port}', password: $STORE, "
        "tls: {trustedCA: $CA, certificate: {crt: $CRT, key: $KEY}}}"
    )
    gateway = start(
        tmp_path, storage, port, backend,
        STORE=redis_server.password, CA=authority.pem, CRT=pair.certificate, KEY=pair.key,
    )  # fmt: skip
    try:
        wait_for_storage(gateway, up=True)
        assert spread(port, 40) == {200: 10, 429: 30}
    finally:
        gateway.kill()


@pytest.mark.parametrize(
    ("storage", "reason"),
    [
        ("{address: '127.0.0.1:%(redis)d', password: wrong}", "invalid username-password pair"),
        ("{address: '127.0.0.1:%(tls)d', password: wrong, tls: {trustedCA: $OTHER}}", "certificate verify failed"),
    ],
)
def test_a_storage_that_does_not_let_us_in_is_told_and_each_worker_counts(
    redis_server: RedisServer, front: TlsFront, tmp_path: Path, port: int, backend: int, storage: str, reason: str
) -> None:
    storage %= {"redis": redis_server.port, "tls": front.port}
    gateway = start(tmp_path, storage, port, backend, OTHER=Authority("Other").pem)
    try:
        wait_for_storage(gateway, up=False)
        assert spread(port, 80) == {200: 20, 429: 60}
        reasons = {line["reason"] for line in gateway.events("shared_storage_away")}
        assert len(reasons) == 1
        assert reason in reasons.pop().lower()
    finally:
        gateway.kill()
