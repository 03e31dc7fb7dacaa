"""A service may not be where only the machine itself can go, however its address is written: class F."""

from collections.abc import Iterator
from pathlib import Path
from socket import create_server

import msgspec
import pytest

from tests.attacks.addresses import hosts
from tests.integration.conftest import RedisServer, redis_server
from tests.integration.gateway.conftest import GatewayProcess, api, call, document
from tests.integration.publisher import Publisher
from tests.stack import free_ports

pytestmark = pytest.mark.integration

__all__ = ["redis_server"]
REFUSED = {b"upstream_address_refused", b"upstream_unresolved"}


@pytest.fixture
def gateway(redis_server: RedisServer, tmp_path: Path) -> Iterator[tuple[GatewayProcess, Publisher]]:
    publisher = Publisher(redis_server.client(), redis_server.url)
    process = GatewayProcess(tmp_path, publisher.write_registration(tmp_path / "registration.yaml"), workers=1).start()
    yield process, publisher
    process.kill()


def test_no_spelling_of_an_inner_address_is_connected_to(gateway: tuple[GatewayProcess, Publisher]) -> None:
    process, publisher = gateway
    (port,) = free_ports(1)
    spelled = hosts()
    # Who is reached nevertheless hears of it, by either family.
    with create_server(("", 0)) as canary, create_server(("::1", 0), family=10) as canary_6:
        for each in (canary, canary_6):
            each.setblocking(False)
        ports = [canary.getsockname()[1], canary_6.getsockname()[1]]
        apis = []
        for number, host in enumerate(spelled):
            made = api(ports[":" in host], id=f"a{number}", base_path=f"/a{number}")
            (service,) = made.services
            (target,) = service.targets
            service = msgspec.structs.replace(service, targets=[msgspec.structs.replace(target, host=host)])
            apis.append(msgspec.structs.replace(made, services=[service]))
        closed = msgspec.structs.replace(document(publisher, port, *apis), allow_private_targets=False)
        process.wait_for_revision(publisher.publish(closed))
        wrong = []
        for number, host in enumerate(spelled):
            answer = call(port, f"/a{number}/x")
            code = msgspec.json.decode(answer.body)["code"].encode()
            if answer.status != 502 or code not in REFUSED:
                wrong.append((host, answer.status, code))
        assert wrong == []
        for each in (canary, canary_6):
            with pytest.raises(BlockingIOError):
                each.accept()
    assert not process.events("task_failed")


def test_the_class_has_hundreds_of_variants() -> None:
    assert len(hosts()) >= 700
