"""My applications, and asking for access."""

import re

from portal.contracts.models import Approval, ClientApplication, Contract, ContractStatus, Credential
from tests.portal.contracts.factories import make_application, make_tier
from tests.portal.hub.cases import HubTestCase


class ApplicationPageTests(HubTestCase):
    def test_a_secret_is_shown_once_and_not_cached(self) -> None:
        client = self.client_of(self.world.cora)
        response = client.post("/hub/applications/new/", {"name": "Reports"})
        application = ClientApplication.objects.get(name="Reports")
        secret = re.search(r"<code data-copy-source>([\w-]{43})</code>", response.content.decode())[1]
        assert secret.endswith(application.credentials.get().hint)
        assert response["Cache-Control"] == "no-store"
        self.assertNotContains(client.get(application.get_absolute_url()), secret)

    def test_a_name_twice_is_said_beside_the_field_and_keeps_the_input(self) -> None:
        response = self.client_of(self.world.cora).post(
            "/hub/applications/new/", {"name": "Shop app", "description": "for phones"}
        )
        assert response.status_code == 422
        self.assertContains(response, "already have an application named Shop app", status_code=422)
        self.assertContains(response, "for phones", status_code=422)

    def test_other_people_s_applications_are_not_found(self) -> None:
        base = self.application.get_absolute_url()
        for user in (self.world.ada, self.world.ben, self.world.olaf):
            client = self.client_of(user)
            for address in (base, f"{base}edit/"):
                assert client.get(address).status_code == 404
            for address in (f"{base}edit/", f"{base}rotate/", f"{base}delete/"):
                assert client.post(address, {"name": "Mine"}).status_code == 404
            self.assertNotContains(client.get("/hub/applications/"), "Shop app")
        assert self.application.credentials.count() == 1

    def test_strangers_sign_in_first(self) -> None:
        for address in ("/hub/applications/", "/hub/applications/new/", self.application.get_absolute_url()):
            response = self.client_of(None).get(address)
            assert response["Location"] == f"/sign-in/?next={address}"

    def test_rotating_shows_a_new_secret_and_when_the_old_one_ends(self) -> None:
        client = self.client_of(self.world.cora)
        response = client.post(f"{self.application.get_absolute_url()}rotate/")
        self.assertContains(response, Credential.objects.get(expires_at=None).hint)
        self.assertContains(client.get(self.application.get_absolute_url()), "Old secret")

    def test_without_overlap_the_page_says_that_the_old_one_has_ended(self) -> None:
        address = f"{self.application.get_absolute_url()}rotate/"
        page = self.client_of(self.world.cora).post(address, {"overlap_hours": "0"})
        self.assertContains(page, "The one before has ended.")
        assert Credential.objects.filter(application=self.application).count() == 1

    def test_another_overlap_than_those_offered_changes_nothing(self) -> None:
        address = f"{self.application.get_absolute_url()}rotate/"
        assert self.client_of(self.world.cora).post(address, {"overlap_hours": "9999"}).status_code == 302
        assert Credential.objects.filter(application=self.application).count() == 1

    def test_rotating_and_deleting_need_a_post_with_a_token(self) -> None:
        client = self.client_of(self.world.cora)
        client.handler.enforce_csrf_checks = True
        assert client.get(f"{self.application.get_absolute_url()}delete/").status_code == 405
        assert (
            client.get(f"{self.application.get_absolute_url()}rotate/")["Location"]
            == self.application.get_absolute_url()
        )
        assert self.application.credentials.count() == 1
        for action in ("rotate", "delete"):
            assert client.post(f"{self.application.get_absolute_url()}{action}/").status_code == 403

    def test_deleting_removes_it(self) -> None:
        response = self.client_of(self.world.cora).post(f"{self.application.get_absolute_url()}delete/")
        assert response["Location"] == "/hub/applications/"
        assert not ClientApplication.objects.exists()

    def test_a_name_with_markup_is_shown_as_text(self) -> None:
        application = make_application(self.world.cora, "<img src=x onerror=alert(1)>")
        client = self.client_of(self.world.cora)
        for address in ("/hub/applications/", application.get_absolute_url()):
            self.assertNotContains(client.get(address), "<img")


class AccessTests(HubTestCase):
    def address(self) -> str:
        return f"/hub/apis/acme/orders/access/{self.world.instance.pk}/"

    def test_a_new_application_gets_its_secret_and_a_ready_command(self) -> None:
        tier = make_tier(self.world.instance, approval=Approval.AUTOMATIC, actor=self.world.ada)
        response = self.client_of(self.world.cora).post(
            self.address(), {"application": "new", "name": "Kiosk", "tier": str(tier.pk)}
        )
        contract = Contract.objects.get()
        assert (contract.application.name, contract.status) == ("Kiosk", ContractStatus.ACTIVE)
        self.assertContains(response, f"client_id: {contract.application.client_id}")
        self.assertContains(response, contract.application.credentials.get().hint)
        self.assertContains(response, "Access granted")
        assert response["Cache-Control"] == "no-store"

    def test_a_manual_plan_waits_and_says_so(self) -> None:
        tier = make_tier(self.world.instance, actor=self.world.ada)
        client = self.client_of(self.world.cora)
        response = client.post(self.address(), {"application": str(self.application.pk), "tier": str(tier.pk)})
        self.assertContains(response, "approved by the provider")
        self.assertContains(response, "YOUR_CLIENT_SECRET")
        assert Contract.objects.get().status == ContractStatus.PENDING
        self.assertContains(client.get(self.application.get_absolute_url()), "The provider has been asked")

    def test_a_request_is_taken_back_by_whoever_made_it(self) -> None:
        tier = make_tier(self.world.instance, actor=self.world.ada)
        client = self.client_of(self.world.cora)
        client.post(self.address(), {"application": str(self.application.pk), "tier": str(tier.pk)})
        address = f"{self.application.get_absolute_url()}contracts/{Contract.objects.get().pk}/withdraw/"
        self.assertContains(client.get(self.application.get_absolute_url()), address)
        assert self.client_of(self.world.ada).post(address).status_code == 404
        page = client.post(address, follow=True)
        self.assertContains(page, "is taken back")
        assert not Contract.objects.exists()

    def test_what_is_decided_is_not_taken_back(self) -> None:
        make_tier(self.world.instance, approval=Approval.AUTOMATIC, actor=self.world.ada)
        contract = Contract.objects.create(
            application=self.application, instance=self.world.instance, status=ContractStatus.ACTIVE
        )
        address = f"{self.application.get_absolute_url()}contracts/{contract.pk}/withdraw/"
        self.assertContains(self.client_of(self.world.cora).post(address, follow=True), "nothing to take back")
        assert Contract.objects.get().status == ContractStatus.ACTIVE

    def test_a_new_application_without_a_name_is_not_half_made(self) -> None:
        client = self.client_of(self.world.cora)
        response = client.post(self.address(), {"application": "new", "name": ""})
        self.assertContains(response, "Give the new application a name.", status_code=422)
        assert ClientApplication.objects.count() == 1

    def test_a_refused_request_makes_no_application(self) -> None:
        self.world.instance.deprecated = True
        self.world.instance.save()
        response = self.client_of(self.world.cora).post(self.address(), {"application": "new", "name": "Kiosk"})
        self.assertContains(response, "deprecated", status_code=422)
        assert not ClientApplication.objects.filter(name="Kiosk").exists()

    def test_somebody_else_s_application_or_tier_cannot_be_named(self) -> None:
        foreign = make_tier(self.world.other_instance, actor=self.world.olaf)
        make_tier(self.world.instance, actor=self.world.ada)
        mine = make_application(self.world.ada, "Ada's")
        client = self.client_of(self.world.cora)
        for values in ({"application": str(mine.pk)}, {"application": str(self.application.pk), "tier": foreign.pk}):
            assert client.post(self.address(), values).status_code == 422
        assert not Contract.objects.exists()

    def test_one_place_to_call_goes_straight_on(self) -> None:
        response = self.client_of(self.world.cora).get("/hub/apis/acme/orders/access/")
        assert response["Location"] == self.address()
