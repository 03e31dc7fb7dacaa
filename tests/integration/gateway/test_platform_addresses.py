"""An API cannot stand for the platform: neither for the Redis of the registration nor for the portal."""

from urllib.parse import urlsplit

import msgspec
import pytest

from gateway_runtime.schema.platform import PlatformAddress
from tests.integration.gateway.conftest import GatewayProcess, api, call, document
from tests.integration.publisher import Publisher

pytestmark = pytest.mark.integration


def test_services_on_loopback_work_and_those_of_the_platform_do_not(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    redis = urlsplit(publisher.registration.redis_url).port
    assert redis
    made = document(publisher, port, api(backend), api(redis, id="redis", base_path="/redis"))
    gateway.wait_for_revision(publisher.publish(made))
    assert call(port, "/orders").status == 200
    refused = call(port, "/redis")
    assert (refused.status, b"upstream_address_refused" in refused.body) == (502, True)

    # Connections that were made before are not used again.
    portal = msgspec.structs.replace(made, platform_addresses=[PlatformAddress(host="localhost", port=backend)])
    gateway.wait_for_revision(publisher.publish(portal))
    refused = call(port, "/orders")
    assert (refused.status, b"upstream_address_refused" in refused.body) == (502, True)
