"""SLA tiers and their limits."""

from typing import Any

import pytest

from portal.contracts.limits import limit_in_words, limits_checked
from portal.contracts.models import Approval, SlaTier
from portal.contracts.services import tier_create, tier_delete, tier_update
from portal.core.errors import ApplicationError
from tests.portal.contracts.factories import PER_MINUTE, ContractTestCase, make_tier


@pytest.mark.parametrize(
    "limits",
    [
        "10 per minute",
        [5],
        [{}],
        [{"maximumRequests": 0, "timePeriodInMilliseconds": 1000}],
        [{"maximumRequests": True, "timePeriodInMilliseconds": 1000}],
        [{"maximumRequests": "5", "timePeriodInMilliseconds": 1000}],
        [{"maximumRequests": 5, "timePeriodInMilliseconds": 999}],
        [{"maximumRequests": 5, "timePeriodInMilliseconds": 1000.5}],
        [{"maximumRequests": 5, "timePeriodInMilliseconds": 10**15}],
        [{"maximumRequests": 5, "timePeriodInMilliseconds": 1000, "burst": 1}],
        [PER_MINUTE, PER_MINUTE],
        [{"maximumRequests": 5, "calendarPeriod": "fortnight"}],
        [{"maximumRequests": 5, "calendarPeriod": ["day"]}],
        [{"maximumRequests": 5, "calendarPeriod": "day", "timePeriodInMilliseconds": 1000}],
        [{"maximumRequests": 5, "calendarPeriod": "day"}, {"maximumRequests": 6, "calendarPeriod": "day"}],
        [{"maximumRequests": 5, "timePeriodInMilliseconds": 1000 + n} for n in range(11)],
    ],
)
def test_wrong_limits_are_refused_beside_their_field(limits: Any) -> None:
    with pytest.raises(ApplicationError) as raised:
        limits_checked(limits)
    assert "limits" in raised.value.fields


@pytest.mark.parametrize(
    ("requests", "period_ms", "words"),
    [
        (1, 1000, "1 request per second"),
        (1000, 60_000, "1,000 requests per minute"),
        (5, 600_000, "5 requests per 10 minutes"),
        (50, 86_400_000, "50 requests per day"),
        (7, 1500, "7 requests per 1.5 seconds"),
        (9, 2_592_000_000, "9 requests per month"),
    ],
)
def test_limits_in_words(requests: int, period_ms: int, words: str) -> None:
    assert limit_in_words({"maximumRequests": requests, "timePeriodInMilliseconds": period_ms}) == words


def test_a_quota_by_the_calendar_in_words() -> None:
    assert (
        limit_in_words({"maximumRequests": 50_000, "calendarPeriod": "month"}) == "50,000 requests per calendar month"
    )


class TierTests(ContractTestCase):
    def test_name_is_once_per_instance(self) -> None:
        make_tier(self.world.instance, actor=self.world.ada)
        with pytest.raises(ApplicationError) as raised:
            make_tier(self.world.instance, actor=self.world.ada)
        assert "name" in raised.value.fields
        assert make_tier(self.world.other_instance, actor=self.world.olaf).name == "Gold"

    def test_a_tier_without_limits_is_allowed(self) -> None:
        tier = tier_create(actor=self.world.ada, instance=self.world.instance, name="Open", limits=[])
        assert tier.limits == []

    def test_new_limits_reach_the_gateway_when_an_active_contract_has_the_tier(self) -> None:
        tier = make_tier(self.world.instance, approval=Approval.AUTOMATIC, actor=self.world.ada)
        changed = [{"maximumRequests": 20, "timePeriodInMilliseconds": 1000}]
        with self.published() as gateways:
            tier_update(actor=self.world.ada, tier=tier, name="Gold", limits=changed, approval=tier.approval)
            assert gateways == []
            self.request_access(tier)
            gateways.clear()
            tier_update(actor=self.world.ada, tier=tier, name="Gold", limits=[PER_MINUTE], approval=tier.approval)
        assert gateways == [self.world.gateway]

    def test_a_tier_in_use_cannot_be_deleted(self) -> None:
        contract = self.pending_contract()
        with pytest.raises(ApplicationError, match="1 contract has the tier Gold"):
            tier_delete(actor=self.world.ada, tier=contract.tier)
        contract.delete()
        tier_delete(actor=self.world.ada, tier=contract.tier)
        assert not SlaTier.objects.exists()
