"""A deprecated API on a running gateway: every answer says so, also what a policy or the gateway itself answers."""

import msgspec
import pytest

from gateway_runtime.schema.deprecation import Deprecation
from tests.integration.gateway.conftest import GatewayProcess, api, call, document, password
from tests.integration.publisher import Publisher
from tests.stack import free_ports

pytestmark = pytest.mark.integration

# 2026-01-01 and 2027-01-01, both 00:00 UTC.
DEPRECATED = Deprecation(since=1_767_225_600, sunset=1_798_761_600, successor="https://api.example/orders/v2")
HEADERS = {
    "deprecation": "@1767225600",
    "sunset": "Fri, 01 Jan 2027 00:00:00 GMT",
    "link": '<https://api.example/orders/v2>; rel="successor-version"',
}


def announced(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in HEADERS}


def test_every_answer_of_a_deprecated_api_says_so(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    old = msgspec.structs.replace(api(backend), deprecation=DEPRECATED)
    refusing = msgspec.structs.replace(
        api(backend, id="locked", base_path="/locked", policies=[password()]), deprecation=DEPRECATED
    )
    nobody = msgspec.structs.replace(api(free_ports(1)[0], id="away", base_path="/away"), deprecation=DEPRECATED)
    new = api(backend, id="new", base_path="/new")
    publisher.answer(publisher.publish(document(publisher, port, old, refusing, nobody, new)))
    gateway.wait_for_revision(1)
    for path, status in (("/orders/1", 200), ("/locked/1", 401), ("/away/1", 502)):
        answer = call(port, path)
        assert (answer.status, announced(answer.headers)) == (status, HEADERS), path
    assert announced(call(port, "/new/1").headers) == {}


def test_deprecation_begins_and_ends_with_a_revision(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    only_since = Deprecation(since=DEPRECATED.since)
    for deprecation, told in ((None, {}), (only_since, {"deprecation": HEADERS["deprecation"]}), (None, {})):
        made = msgspec.structs.replace(api(backend), deprecation=deprecation)
        number = publisher.publish(document(publisher, port, made))
        publisher.answer(number)
        gateway.wait_for_revision(number)
        assert announced(call(port, "/orders/1").headers) == told
