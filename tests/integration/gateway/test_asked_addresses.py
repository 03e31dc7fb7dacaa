"""What a connected gateway asks for its policies is judged like a service, and what they see reaches the portal."""

from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from gateway_runtime.schema.document import PolicyBinding
from gateway_runtime.schema.platform import PlatformAddress
from tests.integration.gateway.conftest import GatewayProcess, api, call, document
from tests.integration.publisher import Publisher
from tests.stack import wait_until

pytestmark = pytest.mark.integration

# An API for each policy that asks, its settings with the port to ask, the refusal and the log line of a failure.
ASKING: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "http": ("native-ext-authz", {"uri": "http://127.0.0.1:{}", "serverType": "http"}, 403, "authorizer_failed"),
    "grpc": ("native-ext-authz", {"uri": "h2://127.0.0.1:{}"}, 403, "authorizer_failed"),
    "ldap": (
        "ldap-authentication",
        {"ldapServerURL": "ldap://127.0.0.1:{}", "ldapServerUserDn": "cn=a", "ldapServerUserPassword": "a",
         "ldapSearchBase": "dc=a"},
        503, "directory_failed",
    ),
}  # fmt: skip
ADA = {"authorization": "Basic YWRhOnNlc2FtZQ=="}


def asking(port_to_ask: int, backend: int) -> list[Any]:
    found = []
    for name, (policy, config, _, _) in ASKING.items():
        settings = {key: value.format(port_to_ask) for key, value in config.items()}
        binding = PolicyBinding(id=f"binding-{name}", policy=policy, order=1, config=settings)
        found.append(api(backend, id=name, base_path=f"/{name}", policies=[binding]))
    return found


@pytest.mark.parametrize("kind", ["registration", "document", "private"])
def test_neither_the_platform_nor_a_private_address_is_asked(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int, kind: str
) -> None:
    redis = urlsplit(publisher.registration.redis_url).port
    assert redis
    made = document(publisher, port, *asking(redis if kind == "registration" else backend, backend))
    if kind == "document":
        made = msgspec.structs.replace(made, platform_addresses=[PlatformAddress(host="localhost", port=backend)])
    if kind == "private":
        made = msgspec.structs.replace(made, allow_private_targets=False)
    gateway.wait_for_revision(publisher.publish(made))
    for name, (_, _, status, event) in ASKING.items():
        assert call(port, f"/{name}/a", ADA).status == status
        assert {line["code"] for line in gateway.events(event)} == {"address_refused"}


def test_what_a_health_check_finds_is_in_the_heartbeat(
    gateway: GatewayProcess, publisher: Publisher, backend: int, port: int
) -> None:
    config = {"upstreamUrl": f"http://127.0.0.1:{backend}", "expectedStatus": 204, "intervalSeconds": 1}
    watched = api(backend, policies=[PolicyBinding(id="binding-1", policy="health-check", order=1, config=config)])
    gateway.wait_for_revision(publisher.publish(document(publisher, port, watched)))

    def told() -> Any:
        status = publisher.replica()
        return status.notices if status is not None else []

    [notice] = wait_until(told, seconds=10, what="the notice in the heartbeat")
    assert (notice.api, notice.binding, notice.policy, notice.good) == ("orders", "binding-1", "health-check", False)
    assert notice.text == f"http://127.0.0.1:{backend}/ answers 200 instead of 204."
