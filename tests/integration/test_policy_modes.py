"""Shadow mode and automated policies from the console's services to the real gateway and back into the figures."""

from pathlib import Path

import pytest

from tests.integration.gateway.conftest import GatewayProcess, backend, call
from tests.integration.portal_home import PortalHome
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration
__all__ = ["backend"]

SHADOW = """
policies.policy_apply(actor=ada, instance=instance, policy="rate-limiting", mode="shadow",
                      rules=[{"methods": "GET", "headers": {"x-counted": ".+"}}],
                      config={"rateLimits": [{"maximumRequests": 2, "timePeriodInMilliseconds": 3600000}],
                              "exposeHeaders": True})
"""
AUTOMATED = """
from portal.policies import automated_services as automated
automated.automated_policy_apply(actor=ada, environment=gateway.environment, policy="http-basic-authentication",
                                 selector={"layer": "system"}, config={"username": "w", "password": "s3cret-s3cret"})
"""
LABEL = """
from portal.apis.services import instance_update
instance_update(actor=ada, instance=instance, labels={"layer": "system"})
"""
COUNTED = "select coalesce(sum(shadowed), 0) from analytics_trafficminute where code = 'rate_limit_exceeded'"
SERVED = "select coalesce(sum(requests), 0) from analytics_trafficminute"


def test_what_is_tried_out_changes_nothing_and_is_counted_and_what_is_automated_follows_labels(
    home: PortalHome, backend: int, tmp_path: Path
) -> None:
    port = free_ports(1)[0]
    home.make_world(port=port, backend=backend)
    home.worker()
    home.beat()
    home.run("from portal.publishing.services import publish_request\npublish_request(gateway=gateway)")
    gateway = GatewayProcess(tmp_path, home.registration, workers=1)
    latest = "select coalesce(max(number), 0) from publishing_revision"
    wait_until(lambda: home.value(latest) == 1, seconds=60, what=f"revision 1\n{home.log('worker')}")
    gateway.start()
    try:
        gateway.wait_for_revision(1)
        home.run(SHADOW)
        gateway.wait_for_revision(2)
        answers = [call(port, "/orders/1", {"x-counted": "yes"}) for _ in range(5)]
        assert [answer.status for answer in answers] == [200] * 5
        assert not [name for answer in answers for name in answer.headers if name.startswith("x-ratelimit")]
        for _ in range(4):
            assert call(port, "/orders/1").status == 200  # not what the conditions ask for
        wait_until(lambda: home.value(COUNTED) == 3, seconds=30, what=f"3 verdicts\n{home.log('worker')}")
        wait_until(lambda: home.value(SERVED) == 9, seconds=30, what="9 requests, each counted once")

        home.run("policies.policy_update(actor=ada, binding=PolicyBinding.objects.get(), mode='enforce')")
        gateway.wait_for_revision(3)
        # The window that was counted in shadow is the one that is enforced now.
        assert call(port, "/orders/1", {"x-counted": "yes"}).status == 429

        home.run(AUTOMATED)  # nothing has the label yet
        assert call(port, "/orders/1").status == 200
        home.run(LABEL)
        number = wait_until(lambda: home.value(latest) >= 4 and home.value(latest), seconds=30, what="a new revision")
        gateway.wait_for_revision(number)
        refused = call(port, "/orders/1", {"x-counted": "yes"})
        assert refused.status == 401, "the automated policy comes before the instance's own"
    finally:
        gateway.terminate()
        gateway.wait()
