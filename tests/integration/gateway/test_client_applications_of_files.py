"""Client applications, contracts and tiers that a gateway without a portal reads from its files."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway_runtime.policies.tokens import SECRET as TOKEN_SECRET
from tests.gateway_runtime.policies.tokens import token
from tests.integration.gateway.conftest import Answer, GatewayProcess, call
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

APIS = {
    "enforced": "policyRef: {name: client-id-enforcement-flex}",
    "limited": (
        "policyRef: {name: rate-limiting-sla-based-flex}, "
        "config: {clientSecretExpression: \"#[attributes.headers['client_secret']]\", exposeHeaders: true}"
    ),
    "signed": (
        "policyRef: {name: jwt-validation-flex}, config: {signingMethod: hmac, textKey: $TOKEN_KEY, "
        'skipClientIdValidation: false, clientIdExpression: "#[vars.claimSet.client_id]"}'
    ),
}
INSTANCE = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: {name}}}
spec:
  address: http://127.0.0.1:{port}/{name}
  services: {{main: {{address: "http://127.0.0.1:{backend}"}}}}
  policies:
    - {{{policy}}}
---
"""
CLIENTS = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: SlaTier
metadata: {name: gold}
spec: {limits: [{maximumRequests: 6, timePeriodInMilliseconds: 3600000}]}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: SlaTier
metadata: {name: free}
spec: {limits: [{maximumRequests: 2, calendarPeriod: year}]}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ClientApplication
metadata: {name: shop}
spec:
  clientId: shop-id
  clientSecret: $SHOP_SECRET
  contracts: [{api: enforced}, {api: limited, tier: gold}, {api: signed}]
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ClientApplication
metadata: {name: till}
spec:
  clientId: till-id
  clientSecret: secret-of-the-till
  contracts: [{api: limited, tier: free}]
"""
SHOP, TILL = ("shop-id", "secret-of-the-shop"), ("till-id", "secret-of-the-till")


class Place:
    """The folder of a gateway, and the gateway."""

    def __init__(self, folder: Path, backend: int) -> None:
        self.port = free_ports(1)[0]
        self.conf = folder / "conf.d"
        self.conf.mkdir()
        apis = [INSTANCE.format(name=n, port=self.port, backend=backend, policy=p) for n, p in APIS.items()]
        (self.conf / "apis.yaml").write_text("".join(apis))
        self.save(CLIENTS)
        environment = {"SHOP_SECRET": SHOP[1], "TOKEN_KEY": TOKEN_SECRET}
        # Without a shared storage each worker counts by itself.
        self.gateway = GatewayProcess(folder, config=self.conf, workers=1, environment=environment)

    def save(self, clients: str) -> None:
        """Save as careful editors do: beside, then in place."""
        new = self.conf / ".clients.yaml.new"
        new.write_text(clients)
        new.rename(self.conf / "clients.yaml")

    def call(self, api: str, client: tuple[str, str] | None) -> Answer:
        sent = {} if client is None else {"client_id": client[0], "client_secret": client[1]}
        return call(self.port, f"/{api}/a", sent)

    def statuses(self, client: tuple[str, str], times: int) -> Counter[int]:
        return Counter(self.call("limited", client).status for _ in range(times))


@pytest.fixture
def place(tmp_path: Path, backend: int) -> Iterator[Place]:
    made = Place(tmp_path, backend)
    try:
        made.gateway.start()
        made.gateway.wait_for_revision(1)
        yield made
    finally:
        made.gateway.kill()


def verdict(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body).get("code", "")


def test_enforcement_lets_in_whom_the_files_name(place: Place) -> None:
    passed = place.call("enforced", SHOP)
    assert passed.status == 200
    seen = json.loads(passed.body)["headers"]
    assert seen["client_id"] == "shop-id"
    assert "client_secret" not in seen
    assert verdict(place.call("enforced", None)) == (401, "client_id_missing")
    assert verdict(place.call("enforced", (SHOP[0], TILL[1]))) == (401, "client_credentials_invalid")
    assert verdict(place.call("enforced", ("nobody", SHOP[1]))) == (401, "client_credentials_invalid")
    assert verdict(place.call("enforced", TILL)) == (403, "no_contract")


def test_each_contract_has_what_its_tier_allows_also_after_a_change(place: Place) -> None:
    assert place.call("limited", SHOP).headers["x-ratelimit-limit"] == "6"
    assert place.statuses(SHOP, 3) == {200: 3}
    assert place.statuses(TILL, 4) == {200: 2, 429: 2}
    place.save(CLIENTS.replace("contracts: [{api: limited, tier: free}]", "contracts: []"))
    place.gateway.wait_for_revision(2)
    assert verdict(place.call("limited", TILL)) == (401, "sla_no_contract")
    assert place.statuses(SHOP, 4) == {200: 2, 429: 2}


def test_a_token_is_matched_with_a_contract(place: Place) -> None:
    def of(client_id: str) -> tuple[int, str]:
        bearer = token({"client_id": client_id})
        return verdict(call(place.port, "/signed/a", {"authorization": f"Bearer {bearer}"}))

    assert of("shop-id") == (200, "")
    assert of("till-id") == (403, "jwt_no_contract")
    assert of("nobody") == (401, "jwt_client_unknown")


def test_a_secret_is_exchanged_by_saving(place: Place) -> None:
    new = (SHOP[0], "new-secret-of-the-shop")
    place.save(CLIENTS.replace("$SHOP_SECRET", f"[{new[1]}, $SHOP_SECRET]"))
    place.gateway.wait_for_revision(2)
    assert [place.call("enforced", each).status for each in (new, SHOP)] == [200, 200]
    place.save(CLIENTS.replace("$SHOP_SECRET", new[1]))
    place.gateway.wait_for_revision(3)
    assert [place.call("enforced", each).status for each in (new, SHOP)] == [200, 401]


def test_a_fault_keeps_the_last_good_applications_and_shows_no_secret(place: Place) -> None:
    place.save(CLIENTS.replace("{api: enforced}", "{api: enforcd}"))
    fault = wait_until(lambda: place.gateway.events("configuration_fault"), seconds=10, what="the fault")[0]
    assert (fault["file"], fault["line"], fault["key"]) == ("clients.yaml", 17, "spec.contracts[0].api")
    assert place.call("enforced", SHOP).status == 200
    for secret in (SHOP[1], TILL[1]):
        assert secret not in place.gateway.log
        assert secret not in place.gateway.page("/revision").body.decode()
