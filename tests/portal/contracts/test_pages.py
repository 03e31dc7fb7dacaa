"""Contracts and tiers in the console and in REST."""

from typing import Any

from django.urls import reverse

from portal.contracts.models import Approval, ClientApplication, Contract, ContractStatus, SlaTier
from portal.contracts.services import contract_request
from portal.core.links import console_url
from tests.portal.cases import ObjectApiCases, ObjectPageCases
from tests.portal.contracts.factories import PER_MINUTE, ContractTestCase, make_application, make_tier


class WithContracts(ContractTestCase):
    """A pending contract on Ada's instance, and a tier and a contract on Olaf's."""

    @classmethod
    def setUpTestData(cls) -> None:
        """Ask for access at both."""
        super().setUpTestData()
        cls.tier = make_tier(cls.world.instance, actor=cls.world.ada)
        cls.contract = contract_request(
            actor=cls.world.cora, application=cls.application, instance=cls.world.instance, tier=cls.tier
        )
        cls.other_tier = make_tier(cls.world.other_instance, actor=cls.world.olaf)
        cls.other_contract = contract_request(
            actor=cls.world.olaf,
            application=make_application(cls.world.olaf),
            instance=cls.world.other_instance,
            tier=cls.other_tier,
        )


class ContractPageTests(ObjectPageCases, WithContracts):
    list_page, detail_page = "contracts:list", "contracts:detail"
    actions = tuple(f"contracts:{name}" for name in ("approve", "reject", "revoke", "restore", "delete"))

    def get_target(self) -> Contract:
        return self.contract

    def get_other_target(self) -> Contract:
        return self.other_contract

    def test_approving_from_the_list(self) -> None:
        client = self.client_of(self.world.erik)
        page = client.get(console_url(self.world.production, "contracts:list"))
        self.assertContains(page, "Approve")
        self.assertNotContains(self.client_of(self.world.ben).get(page.request["PATH_INFO"]), "Approve")
        client.post(console_url(self.world.production, "contracts:approve", self.contract.pk))
        self.contract.refresh_from_db()
        assert self.contract.status == ContractStatus.ACTIVE

    def test_a_decision_in_the_wrong_state_says_why(self) -> None:
        address = console_url(self.world.production, "contracts:revoke", self.contract.pk)
        response = self.client_of(self.world.ada).post(address, follow=True)
        self.assertContains(response, "This contract is pending. To revoke it, it must be active.")

    def test_pending_contracts_come_first_and_filters_narrow(self) -> None:
        second = make_application(self.world.cora, "Newer")
        free = make_tier(self.world.instance, "Free", approval=Approval.AUTOMATIC, actor=self.world.ada)
        contract_request(actor=self.world.cora, application=second, instance=self.world.instance, tier=free)
        address = console_url(self.world.production, "contracts:list")
        page = self.client_of(self.world.ben).get(address).content.decode()
        assert page.index("Shop app") < page.index("Newer")
        page = self.client_of(self.world.ben).get(f"{address}?status=active").content.decode()
        assert "Newer" in page
        assert "Shop app" not in page


class TierPageTests(ObjectPageCases, WithContracts):
    edit_page = "contracts:tier_edit"
    actions = ("contracts:tier_delete",)
    form = {"name": "Silver", "approval": "manual", "requests_0": "5", "period_0": "2", "unit_0": "minutes"}

    def get_target(self) -> SlaTier:
        return self.tier

    def get_other_target(self) -> SlaTier:
        return self.other_tier

    def test_limits_are_written_in_rows(self) -> None:
        address = console_url(self.world.production, "contracts:tier_create", self.world.instance.pk)
        response = self.client_of(self.world.erik).post(
            address, self.form | {"requests_1": "7", "period_1": "1.5", "unit_1": "seconds"}
        )
        assert response.status_code == 302
        assert SlaTier.objects.get(name="Silver").limits == [
            {"maximumRequests": 5, "timePeriodInMilliseconds": 120_000},
            {"maximumRequests": 7, "timePeriodInMilliseconds": 1_500},
        ]

    def test_a_limit_may_be_for_a_period_of_the_calendar(self) -> None:
        address = console_url(self.world.production, "contracts:tier_create", self.world.instance.pk)
        quota = {"requests_0": "5000", "period_0": "1", "unit_0": "month"}
        assert self.client_of(self.world.erik).post(address, self.form | quota).status_code == 302
        assert SlaTier.objects.get(name="Silver").limits == [{"maximumRequests": 5000, "calendarPeriod": "month"}]

    def test_a_period_of_the_calendar_is_one(self) -> None:
        address = console_url(self.world.production, "contracts:tier_create", self.world.instance.pk)
        quota = {"requests_0": "5000", "period_0": "2", "unit_0": "month"}
        response = self.client_of(self.world.erik).post(address, self.form | quota)
        assert response.context["form"].errors["period_0"] == ["By the calendar a limit is for one month."]

    def test_a_tier_comes_back_into_its_form_unchanged(self) -> None:
        quota = {"maximumRequests": 9, "calendarPeriod": "week"}
        self.tier.limits = [{"maximumRequests": 5, "timePeriodInMilliseconds": 1_500}, PER_MINUTE, quota]
        self.tier.save()
        address = console_url(self.world.production, "contracts:tier_edit", self.tier.pk)
        form = self.client_of(self.world.ada).get(address).context["form"]
        values = {name: field.initial for name, field in form.fields.items() if field.initial is not None}
        self.client_of(self.world.ada).post(address, values | form.initial)
        before = self.tier.limits
        self.tier.refresh_from_db()
        assert self.tier.limits == before

    def test_a_period_that_is_too_short_is_said_beside_it(self) -> None:
        address = console_url(self.world.production, "contracts:tier_create", self.world.instance.pk)
        response = self.client_of(self.world.ada).post(address, self.form | {"period_0": "0.5", "unit_0": "seconds"})
        assert "period_0" in response.context["form"].errors

    def test_tiers_of_another_organization_s_instance_cannot_be_added(self) -> None:
        address = console_url(self.world.production, "contracts:tier_create", self.world.other_instance.pk)
        assert self.client_of(self.world.ada).post(address, self.form).status_code == 404
        address = console_url(self.world.production, "contracts:tier_create", self.world.instance.pk)
        assert self.client_of(self.world.ben).post(address, self.form).status_code == 403


class TierApiTests(ObjectApiCases, WithContracts):
    path = "/api/v1/tiers/"
    change = {"limits": [PER_MINUTE], "name": "Bronze"}

    @classmethod
    def setUpTestData(cls) -> None:
        """Keep the API private: the tiers of a public one are for everybody."""
        super().setUpTestData()
        cls.world.api.visibility = "private"
        cls.world.api.save()

    def get_target(self) -> SlaTier:
        return self.tier

    def get_create(self) -> dict[str, Any]:
        return {"instance": self.world.instance.pk, "name": "Silver", "limits": [PER_MINUTE], "approval": "manual"}


class ContractApiTests(WithContracts):
    def send(self, user: Any, method: str, address: str, body: Any = None) -> Any:
        client = self.client_of(user)
        return getattr(client, method)(f"/api/v1/{address}", body, content_type="application/json")

    def test_provider_and_owner_read_a_contract_and_nobody_else(self) -> None:
        for user, status in ((self.world.ben, 200), (self.world.cora, 200), (self.world.olaf, 404)):
            assert self.send(user, "get", f"contracts/{self.contract.pk}/").status_code == status
        assert (
            self.send(self.world.ben, "get", "contracts/").json()["results"][0]["application_owner"] == "Cora Developer"
        )

    def test_its_owner_alone_takes_a_request_back(self) -> None:
        address = f"contracts/{self.contract.pk}/withdraw/"
        for user, status in (
            (self.world.ben, 404),
            (self.world.ada, 404),
            (self.world.olaf, 404),
            (self.world.cora, 204),
        ):
            assert self.send(user, "post", address).status_code == status
        assert not Contract.objects.filter(pk=self.contract.pk).exists()

    def test_only_those_with_the_role_decide(self) -> None:
        for user, status in (
            (self.world.olaf, 404),
            (self.world.cora, 403),
            (self.world.ben, 403),
            (self.world.ada, 200),
        ):
            response = self.send(user, "post", f"contracts/{self.contract.pk}/approve/")
            assert response.status_code == status, response.content
        assert self.send(self.world.ada, "post", f"contracts/{self.contract.pk}/approve/").status_code == 409
        assert self.send(self.world.ada, "post", f"contracts/{self.contract.pk}/revoke/").json()["status"] == "revoked"
        assert self.send(self.world.ada, "delete", f"contracts/{self.contract.pk}/").status_code == 204

    def test_a_developer_asks_and_cannot_choose_the_state(self) -> None:
        application = make_application(self.world.cora, "Second")
        body = {
            "application": str(application.pk), "instance": str(self.world.instance.pk), "tier": str(self.tier.pk),
            "status": "active",
        }  # fmt: skip
        response = self.send(self.world.cora, "post", "contracts/", body)
        assert (response.status_code, response.json()["status"]) == (201, "pending")
        assert self.send(self.world.cora, "post", "contracts/", body).status_code == 409

    def test_what_is_not_offered_cannot_be_named(self) -> None:
        body = {"application": str(self.application.pk), "instance": str(self.world.other_instance.pk)}
        response = self.send(self.world.cora, "post", "contracts/", body)
        assert response.status_code == 400
        assert "/instance" in response.json()["fields"]

    def test_applications_by_rest_are_the_caller_s_own(self) -> None:
        issued = self.send(self.world.cora, "post", "applications/", {"name": "Pipeline"})
        assert issued.status_code == 201
        assert issued["Cache-Control"] == "no-store"
        assert len(issued.json()["client_secret"]) == 43
        address = f"applications/{issued.json()['id']}/"
        assert "client_secret" not in self.send(self.world.cora, "get", address).json()
        for user in (self.world.ada, self.world.olaf):
            assert self.send(user, "get", address).status_code == 404
            assert self.send(user, "post", f"{address}rotate/").status_code == 404
            assert self.send(user, "delete", address).status_code == 404
        changed = self.send(self.world.cora, "patch", address, {"description": "x", "owner": str(self.world.ada.pk)})
        assert (changed.json()["name"], changed.json()["description"]) == ("Pipeline", "x")
        rotated = self.send(self.world.cora, "post", f"{address}rotate/")
        assert rotated.json()["client_secret"] != issued.json()["client_secret"]
        assert self.send(self.world.cora, "post", f"{address}rotate/", {"overlap_hours": 169}).status_code == 400
        self.send(self.world.cora, "post", f"{address}rotate/", {"overlap_hours": 0})
        assert len(self.send(self.world.cora, "get", address).json()["credentials"]) == 1
        assert self.send(self.world.cora, "delete", address).status_code == 204
        assert not ClientApplication.objects.filter(name="Pipeline").exists()

    def test_strangers_are_refused(self) -> None:
        for address in ("applications/", "contracts/", "tiers/"):
            assert self.send(None, "get", address).status_code == 401

    def test_addresses_are_registered(self) -> None:
        assert reverse("application-list") == "/api/v1/applications/"
