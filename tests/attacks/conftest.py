"""One gateway for all attacks: what one of them breaks, the next ones see."""

import asyncio
from collections.abc import Iterator

import pytest

from gateway_runtime.tasks import cancel
from tests.attacks.arena import Arena, battlefield
from tests.attacks.scripts import SCRIPTS
from tests.attacks.upstream import Upstream
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import POLICIES, GatewayProcess
from tests.integration.publisher import Publisher
from tests.stack import free_ports


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Return a gateway process with one worker that serves a sealed revision, and the service behind it."""
    folder = tmp_path_factory.mktemp("attacks")
    (folder / "redis").mkdir(mode=0o700)
    redis = RedisServer(folder / "redis")
    redis.start()
    publisher = Publisher(redis.client(), redis.url)
    gateway = GatewayProcess(
        folder, publisher.write_registration(folder / "registration.yaml"), workers=1,
        environment={"PORTICO_POLICIES": str(POLICIES)},
    )  # fmt: skip
    upstream = Upstream(SCRIPTS)
    try:
        with asyncio.Runner() as runner:
            runner.run(upstream.open())
            gateway.start()
            ports = dict(zip(("usual", "default", "balanced"), free_ports(3), strict=True))
            number = publisher.publish(battlefield(publisher.gateway, ports, upstream.port))
            gateway.wait_for_revision(number)
            arena = Arena(gateway, upstream, ports, runner)
            runner.run(arena.begin_slow())
            yield arena
            runner.run(cancel(*arena.slow))
            upstream.close()
    finally:
        gateway.kill()
        redis.kill()
