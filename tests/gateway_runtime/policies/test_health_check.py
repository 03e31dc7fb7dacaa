"""The health check of an API: which service it is, who asks it, and what is said of it."""

from typing import Any

import pytest

from gateway_runtime.fetching.service import AskedServices
from gateway_runtime.policies.health_check import build
from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.testing import policy_case, request
from gateway_runtime.upstream.registry import PoolRegistry

SETTINGS = {"upstreamUrl": "https://Orders.example:8443/", "basePath": "/health?deep=1", "expectedStatus": 204}


class Runtime:
    """As much of a runtime as the policy uses."""

    binding = "binding-1"
    api_name = "Orders"

    def __init__(self, *, is_first: bool = True) -> None:
        self.is_first = is_first
        self.pools = PoolRegistry()
        self.reports: list[Any] = []
        self.services: list[Any] = []

    def service(self, service: Any) -> Any:
        self.services.append(service)
        return AskedServices(self.pools).get(service)

    def report(self, read: Any) -> None:
        self.reports.append(read)


def built(**more: Any) -> Runtime:
    runtime = Runtime(**more)
    assert build(read_config(definition("health-check"), SETTINGS), runtime) == Handlers()  # type: ignore[arg-type]
    return runtime


def test_no_request_is_touched() -> None:
    case = policy_case("health-check")
    assert (case.chain.request, case.chain.response) == ((), ())
    assert case.send(request()) is None


def test_what_is_asked() -> None:
    [service] = built().services
    [target] = service.targets
    assert (service.scheme, target.host, target.port) == ("https", "orders.example", 8443)
    check = service.health_check
    assert (check.path, check.statuses, check.interval_seconds, check.timeout_seconds) == (
        "/health?deep=1",
        (204,),
        60,
        10,
    )
    assert (check.unhealthy_after, check.healthy_after) == (1, 1)


def test_only_one_worker_asks() -> None:
    runtime = built(is_first=False)
    assert (runtime.services, runtime.reports) == ([], [])


def test_what_is_said_follows_the_checks() -> None:
    runtime = built()
    [read] = runtime.reports
    assert read() is None
    [health] = list(runtime.pools.health._known.values())
    check = runtime.services[0].health_check
    health.checked(check, "")
    assert read() == (True, "https://Orders.example:8443/health?deep=1 answers 204.")
    health.checked(check, "status_503")
    assert read() == (False, "https://Orders.example:8443/health?deep=1 answers 503 instead of 204.")
    health.checked(check, "upstream_refused")
    assert read() == (False, "https://Orders.example:8443/health?deep=1 does not answer (refused).")
    health.checked(check, "")
    assert read()[0] is True


@pytest.mark.parametrize(
    "wrong",
    [
        {"upstreamUrl": url}
        for url in ("orders.example", "ftp://a", "http://a/path", "http://u@a", "http://a:0", "http://a:99999")
    ]
    + [{"basePath": "health"}, {"basePath": "/a b"}, {"expectedStatus": 99}, {"intervalSeconds": 0}],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigFault):
        read_config(definition("health-check"), SETTINGS | wrong)
