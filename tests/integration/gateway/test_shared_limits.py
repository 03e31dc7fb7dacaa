"""Limits over several workers and replicas, with a real Redis that is there, hangs, goes and comes back."""

import http.client
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from gateway_runtime.schema.document import PolicyBinding
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess, api, call, document
from tests.integration.publisher import Publisher
from tests.stack import wait_until

pytestmark = pytest.mark.integration

LONG_MS = 3_600_000


def limit(maximum: int, period_ms: int = LONG_MS, **more: object) -> PolicyBinding:
    config = {"rateLimits": [{"maximumRequests": maximum, "timePeriodInMilliseconds": period_ms}], **more}
    return PolicyBinding(id="binding-limit", policy="rate-limiting", order=1, config=config)


def spread(port: int, times: int, path: str = "/orders/1") -> Counter[int]:
    """Make so many requests, each on a connection of its own, so that the kernel gives them to all workers."""
    return Counter(call(port, path).status for _ in range(times))


def timed(
    port: int,
    seconds: float,
    pause: float = 0.002,
    *,
    path: str = "/orders/1",
    enough: Callable[[], bool] | None = None,
) -> tuple[Counter[int], list[float]]:
    """Ask one after the other on kept connections. Return the statuses and how long each took, in order of size.

    Now and then it is asked whether it is `enough`.
    """

    def one() -> tuple[Counter[int], list[float]]:
        statuses: Counter[int] = Counter()
        took = []
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            if len(took) % 500 == 499 and enough is not None and enough():
                break
            took.append(time.monotonic() - began)
            statuses[response.status] += 1
            time.sleep(pause)
        connection.close()
        return statuses, took

    with ThreadPoolExecutor(2) as threads:
        found = [each.result() for each in [threads.submit(one) for _ in range(2)]]
    return found[0][0] + found[1][0], sorted(found[0][1] + found[1][1])


def metric(gateway: GatewayProcess, name: str) -> list[float]:
    lines = gateway.page("/metrics").body.decode().splitlines()
    return [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name)]


def wait_for_storage(gateway: GatewayProcess, *, up: bool, workers: int = 2) -> None:
    wait_until(
        lambda: metric(gateway, "portico_shared_storage_up{") == [float(up)] * workers,
        seconds=10,
        what=f"shared storage {'up' if up else 'away'}",
    )


def wait_for_limiters(gateway: GatewayProcess, number: int) -> None:
    wait_until(
        lambda: set(metric(gateway, "portico_limiters{")) == {float(number)}, seconds=10, what=f"{number} limiters"
    )


def serve(publisher: Publisher, gateway: GatewayProcess, port: int, backend: int, *policies: PolicyBinding) -> None:
    gateway.wait_for_revision(publisher.publish(document(publisher, port, api(backend, policies=[*policies]))))


class _Quick(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        # In one write: in two, the second would wait for an acknowledgement.
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def quick() -> Iterator[int]:
    """Return the port of a service that answers at once."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Quick)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def second(publisher: Publisher, gateway: GatewayProcess, tmp_path: Path) -> Iterator[GatewayProcess]:
    """Return another replica of the same gateway, not yet started."""
    folder = tmp_path / "second"
    folder.mkdir()
    process = GatewayProcess(folder, publisher.write_registration(folder / "registration.yaml"), workers=1)
    yield process
    process.kill()


@pytest.mark.parametrize("settings", [{"exact": True}, {}], ids=["asked for", "small"])
def test_workers_share_an_exact_limit_exactly(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int, settings: dict
) -> None:
    serve(publisher, gateway, port, backend, limit(20, **settings))
    assert spread(port, 60) == {200: 20, 429: 40}


def test_workers_share_a_leased_limit_within_the_bound(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int
) -> None:
    serve(publisher, gateway, port, backend, limit(200))
    wait_for_limiters(gateway, 2)
    found = spread(port, 300)
    passed = found[200]
    assert set(found) == {200, 429}, gateway.log
    # Two workers: b = 200 // 20.
    assert 200 - 10 <= passed <= 200 + 2 * 10


def test_a_limit_that_is_not_shared_counts_in_each_worker(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int
) -> None:
    serve(publisher, gateway, port, backend, limit(5, clusterizable=False))
    assert spread(port, 60) == {200: 10, 429: 50}


@pytest.mark.parametrize("maximum", [20, 200], ids=["exact", "leased"])
def test_counters_survive_a_new_revision_and_a_restart(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int, maximum: int
) -> None:
    serve(publisher, gateway, port, backend, limit(maximum))
    wait_for_limiters(gateway, 2)
    assert spread(port, maximum + 50)[429] >= 30
    serve(publisher, gateway, port, backend, limit(maximum, exposeHeaders=True))
    assert spread(port, 20) == {429: 20}
    gateway.terminate()
    assert gateway.wait() == 0
    gateway.start()
    gateway.wait_for_revision(2)
    passed = spread(port, 40)[200]
    assert passed <= (0 if maximum == 20 else 20)


def test_nothing_of_a_caller_is_readable_and_nothing_stays(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int
) -> None:
    serve(publisher, gateway, port, backend, limit(5, 1500, key="client-address"))
    spread(port, 3)
    (name,) = publisher.redis.keys(f"portico:gateway:{publisher.gateway}:counter:*")
    assert b"127.0.0.1" not in name
    assert len(name) < 120
    assert 0 < publisher.redis.pttl(name) <= 1600
    wait_until(lambda: not publisher.redis.exists(name), seconds=5, what="the end of the counter")


@pytest.mark.parametrize("settings", [{"exact": True}, {}], ids=["exact", "leased"])
@pytest.mark.parametrize("failure", ["pause", "kill"])
def test_requests_flow_while_redis_fails_and_are_counted_together_afterwards(
    publisher: Publisher,
    gateway: GatewayProcess,
    port: int,
    quick: int,
    redis_server: RedisServer,
    settings: dict,
    failure: str,
) -> None:
    serve(publisher, gateway, port, quick, limit(1_000_000, **settings))
    wait_for_storage(gateway, up=True)
    timed(port, 0.5)
    getattr(redis_server, failure)()
    statuses, took = timed(port, 3.0)
    assert set(statuses) == {200}
    assert statuses[200] > 400
    # A request that found out waited for 50 ms at most; a leased one never waits for Redis.
    assert took[-1] < 0.25
    assert took[int(len(took) * 0.99)] < 0.1
    if not settings:
        assert took[int(len(took) * 0.99)] < 0.03
    wait_for_storage(gateway, up=False)
    if failure == "pause":
        redis_server.resume()
    else:
        redis_server.start()
    wait_for_storage(gateway, up=True)
    assert set(spread(port, 10)) == {200}
    # One line for each worker, and no more than one.
    for event in ("shared_storage_away", "shared_storage_back"):
        told = Counter(line["pid"] for line in gateway.events(event))
        assert len(told) == 2
        assert set(told.values()) == {1}
    assert redis_server.password not in gateway.log


def test_a_limit_is_still_a_limit_while_redis_is_away(
    publisher: Publisher, gateway: GatewayProcess, port: int, backend: int, redis_server: RedisServer
) -> None:
    serve(publisher, gateway, port, backend, limit(10))
    redis_server.kill()
    wait_for_storage(gateway, up=False)
    assert spread(port, 80) == {200: 20, 429: 60}


def test_replicas_share_one_limit(
    publisher: Publisher, gateway: GatewayProcess, second: GatewayProcess, backend: int, port: int
) -> None:
    serve(publisher, gateway, port, backend, limit(30))
    assert spread(port, 20) == {200: 20}
    # Both on this machine would want the same port, so one follows the other.
    gateway.kill()
    second.start()
    second.wait_for_revision(1)
    assert spread(port, 20)[200] == 10
