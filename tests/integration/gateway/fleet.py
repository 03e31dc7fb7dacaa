"""Several real gateways that share one Redis, and callers who all come at once."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from tests.integration.gateway.conftest import GatewayProcess
from tests.integration.gateway.test_shared_limits import metric, wait_for_limiters, wait_for_storage
from tests.stack import free_ports

FILES = """\
apiVersion: gateway.mulesoft.com/v1beta1
kind: Configuration
metadata: {{name: storage}}
spec:
  sharedStorage:
    redis: {{address: "127.0.0.1:{redis}", password: "{password}"}}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: orders}}
spec:
  address: http://127.0.0.1:{port}/orders
  services: {{all: {{address: "http://127.0.0.1:{backend}"}}}}
  policies: {policies}
"""


class Fleet:
    """Replicas of one worker each. They have the same policies and a port each."""

    def __init__(self, folder: Path, redis: Any, backend: int, policies: list[dict[str, Any]]) -> None:
        self._folder = folder
        self._redis = redis
        self._backend = backend
        self.policies = policies
        self.replicas: list[GatewayProcess] = []
        self.ports: list[int] = []

    def start(self, number: int) -> Fleet:
        """Start so many more replicas, and wait until each knows of all."""
        for port in free_ports(number):
            folder = self._folder / f"replica-{port}"
            folder.mkdir()
            self.ports.append(port)
            self._write(folder, port)
            self.replicas.append(GatewayProcess(folder, config=folder / "api.yaml", workers=1).start())
        for replica in self.replicas:
            wait_for_storage(replica, up=True, workers=1)
            wait_for_limiters(replica, len(self.replicas))
        return self

    def change(self, policies: list[dict[str, Any]]) -> None:
        """Give every replica other policies, and wait until they hold."""
        self.policies = policies
        for replica, port in zip(self.replicas, self.ports, strict=True):
            before = replica.revision()["revision"]
            self._write(replica.state.parent, port)
            replica.wait_for_revision(before + 1)

    def _write(self, folder: Path, port: int) -> None:
        text = FILES.format(
            redis=self._redis.port, password=self._redis.password, port=port, backend=self._backend,
            policies=json.dumps(self.policies),
        )  # fmt: skip
        (folder / "api.yaml").write_text(text)

    def end(self) -> None:
        """End all."""
        for replica in self.replicas:
            replica.kill()

    def unknown(self) -> float:
        """Return how many times Redis has not answered in time, which on a busy machine happens to a good one, too."""
        # What a worker counts is shown after a second at the latest.
        time.sleep(1.2)
        name = 'portico_shared_storage_calls_total{outcome="unknown"'
        return sum(sum(metric(replica, name)) for replica in self.replicas)

    def at_once(self, times: int, headers: Sequence[str] = ()) -> Counter[int]:
        """Make so many requests at the same time, each on a connection of its own, spread over all replicas."""
        return asyncio.run(_at_once(self.ports, times, headers))


class _Service(asyncio.Protocol):
    """Answers each request at once."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" * data.count(b"\r\n\r\n"))


@contextmanager
def service() -> Iterator[int]:
    """Give the port of a service that takes a thousand callers at once."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(_Service, "127.0.0.1", 0, backlog=2048))
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


@contextmanager
def fleet(folder: Path, redis: Any, backend: int, *policies: dict[str, Any]) -> Iterator[Fleet]:
    """Give a fleet that is ended afterwards, not yet started."""
    made = Fleet(folder, redis, backend, list(policies))
    try:
        yield made
    finally:
        made.end()


def rate_limiting(maximum: int, period_ms: int = 3_600_000, **more: Any) -> dict[str, Any]:
    """Return the binding of a rate limit as files have it."""
    limits = [{"maximumRequests": maximum, "timePeriodInMilliseconds": period_ms}]
    return {"policyRef": {"name": "rate-limiting-flex"}, "config": {"rateLimits": limits, **more}}


async def _at_once(ports: list[int], times: int, headers: Sequence[str]) -> Counter[int]:
    lines = ["GET /orders/1 HTTP/1.1", "Host: orders.example", "Connection: close", *headers, "", ""]
    head = "\r\n".join(lines).encode()
    go = asyncio.Event()
    connected = 0

    async def one(port: int) -> int:
        nonlocal connected
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        connected += 1
        if connected == times:
            go.set()
        await go.wait()
        writer.write(head)
        status = int((await reader.readline()).split()[1])
        await reader.read()
        writer.close()
        return status

    return Counter(await asyncio.gather(*(one(ports[number % len(ports)]) for number in range(times))))
