"""What a Service says besides its address."""

from gateway_runtime.schema.document import (
    Balance,
    HealthCheck,
    Outliers,
    Retries,
    Service,
    ServiceTimeouts,
    Target,
)
from tests.gateway_runtime.local.kit import fault, instance, loaded, only_api, resource, service

FULL = """
address: http://10.0.0.1:9000
weight: 50
targets:
  - address: http://10.0.0.2:9000
  - address: http://10.0.0.3:9001
    weight: 10
balance: {policy: consistent_hash, hashOn: header, header: X-Tenant}
healthCheck: {path: /healthz, intervalSeconds: 5, statuses: [200, 204]}
outliers: {consecutiveFailures: 2}
retries: {attempts: 2, failures: [reset], statuses: [503]}
timeouts: {connectSeconds: 1}
"""
ROUTE = """
services: {}
policies:
  - policyRef: {name: route}
    config: {destinationRef: {name: exhibits}}
"""


def made(spec: str) -> Service:
    (found,) = only_api(loaded(instance(more=ROUTE), resource("Service", "exhibits", spec))).services
    return found


def wrong(spec: str) -> str:
    return fault(instance(more=ROUTE), resource("Service", "exhibits", spec)).partition(": ")[2]


def test_everything_reaches_the_document() -> None:
    assert made(FULL) == Service(
        id="default/exhibits",
        name="exhibits",
        targets=[
            Target(host="10.0.0.1", port=9000, weight=50),
            Target(host="10.0.0.2", port=9000),
            Target(host="10.0.0.3", port=9001, weight=10),
        ],
        balance=Balance(policy="consistent_hash", hash_on="header", header="X-Tenant"),
        health_check=HealthCheck(path="/healthz", interval_seconds=5, statuses=(200, 204)),
        outliers=Outliers(consecutive_failures=2),
        retries=Retries(attempts=2, failures=("reset",), statuses=(503,)),
        timeouts=ServiceTimeouts(connect_seconds=1),
    )


def test_without_settings_a_service_is_what_it_was() -> None:
    plain = Service(id="default/exhibits", name="exhibits", targets=[Target(host="10.0.0.1", port=9000)])
    assert made("address: http://10.0.0.1:9000") == plain


def test_empty_blocks_mean_their_defaults() -> None:
    found = made("address: http://10.0.0.1:9000\nhealthCheck: {}\noutliers: {}\nretries: {}\ntimeouts: {}\nbalance: {}")
    assert (found.health_check, found.outliers, found.retries) == (HealthCheck(), Outliers(), Retries())
    assert (found.balance, found.timeouts) == (Balance(), ServiceTimeouts())


def test_a_service_inside_an_instance_has_the_same_settings() -> None:
    inline = """
    services:
      exhibits:
        address: http://10.0.0.1:9000
        targets: [{address: "http://10.0.0.2:9000"}]
        retries: {attempts: 2}
    """
    (found,) = only_api(loaded(instance(more=inline))).services
    assert [target.host for target in found.targets] == ["10.0.0.1", "10.0.0.2"]
    assert found.retries == Retries(attempts=2)


def test_targets_speak_the_same_and_are_there_once() -> None:
    start = "address: http://10.0.0.1:9000\ntargets: [{address: '%s'}]"
    assert wrong(start % "https://10.0.0.2:9000") == (
        "spec.targets[0].address: The address of this service begins with http. Write http here, too."
    )
    assert wrong(start % "http://10.0.0.1:9000").startswith("spec.targets[0].address: 10.0.0.1:9000 is there twice.")
    assert wrong(start % "http://10.0.0.2:9000/v1").startswith("spec.targets[0].address: The address of a service has")


def test_values_are_checked_where_they_stand() -> None:
    start = "address: http://10.0.0.1:9000\n"
    assert wrong(start + "weight: -1").startswith("spec.weight: Use 0 or more.")
    assert wrong(start + "balance: {policy: random}").startswith("spec.balance.policy: Invalid enum value")
    assert wrong(start + "balance: {policy: consistent_hash, hashOn: header}") == (
        "spec.balance.header: This setting is required."
    )
    assert wrong(start + "healthCheck: {path: healthz}").startswith("spec.healthCheck.path: Expected “str” matching")
    assert wrong(start + 'healthCheck: {path: "/a b"}').startswith("spec.healthCheck.path: Expected “str” matching")
    assert wrong(start + "retries: {attempts: 99}").startswith("spec.retries.attempts: Use 10 or less.")
    assert wrong(start + "outliers: {statuses: [99]}").startswith("spec.outliers.statuses[0]: Use 100 or more.")


def test_a_service_that_nobody_uses_is_checked_as_well() -> None:
    assert "spec.address" in fault(instance(), service(address="ftp://a"))
