"""Who finds which API, and what the catalog says of it."""

import pytest

from portal.apis.models import InstanceStatus
from portal.catalog.models import Visibility
from portal.hub.selectors import apis_found, apis_visible_to, versions_offered
from tests.portal.base import make_api
from tests.portal.contracts.factories import make_tier
from tests.portal.hub.cases import HubTestCase, describe
from tests.portal.hub.specification import ATTACK, HOSTILE


class VisibilityTests(HubTestCase):
    def test_a_stranger_finds_public_apis_only(self) -> None:
        client = self.client_of(None)
        response = client.get("/hub/")
        self.assertContains(response, "Orders")
        self.assertNotContains(response, "Invoices")

    def test_people_of_an_organization_find_its_private_apis_too(self) -> None:
        assert set(apis_visible_to(self.world.olaf)) == {self.world.api, self.world.other_api}
        assert set(apis_visible_to(self.world.ben)) == {self.world.api}

    def test_a_private_api_of_others_is_not_found_at_any_address(self) -> None:
        addresses = self.hub_addresses("other", "invoices", self.world.other_instance)
        for user in (self.world.cora, self.world.ada):
            for address in addresses:
                with self.subTest(address=address, user=user):
                    assert self.client_of(user).get(address).status_code == 404
        for address in addresses[:4]:
            with self.subTest(address=address):
                assert self.client_of(None).get(address).status_code == 404

    def test_every_page_of_a_visible_api_opens(self) -> None:
        for user in (self.world.cora, self.world.ben):
            for address in self.hub_addresses("acme", "orders", self.world.instance):
                with self.subTest(address=address, user=user):
                    assert self.client_of(user).get(address, follow=True).status_code == 200
        for address in self.hub_addresses("acme", "orders", self.world.instance)[:4]:
            assert self.client_of(None).get(address).status_code == 200

    def test_a_stranger_who_wants_access_is_sent_to_sign_in_and_comes_back(self) -> None:
        address = f"/hub/apis/acme/orders/access/{self.world.instance.pk}/"
        response = self.client_of(None).get(address)
        assert response["Location"] == f"/sign-in/?next={address}"
        page = self.client_of(None).get("/hub/apis/acme/orders/")
        self.assertContains(page, "/sign-up/?next=%2Fhub%2Fapis%2Facme%2Forders%2Faccess%2F")

    def test_a_developer_without_a_role_has_the_hub_and_nothing_of_the_console(self) -> None:
        client = self.client_of(self.world.cora)
        for address in ("/hub/", "/hub/applications/", "/hub/applications/new/"):
            assert client.get(address).status_code == 200
        assert client.get("/console/acme/production/contracts/").status_code == 404


class SearchTests(HubTestCase):
    def found(self, text: str, layer: str = "") -> list[str]:
        return [found.api.name for found in apis_found(None or self.world.cora, text, layer)]

    def test_name_summary_and_operations_are_searched(self) -> None:
        make_api(self.world.organization, "Billing", visibility=Visibility.PUBLIC, summary="Sends invoices")
        assert self.found("orders") == ["Orders"]
        assert self.found("INVOICES") == ["Billing"]
        assert self.found("read order") == ["Orders"]
        assert self.found("getOrder") == ["Orders"]

    def test_words_that_occur_only_in_schemas_do_not_match(self) -> None:
        assert self.found("sku") == []

    def test_the_matching_operation_is_named(self) -> None:
        (found,) = apis_found(self.world.cora, "place an order")
        assert [(o.method, o.path) for o in found.operations] == [("POST", "/orders")]

    def test_layers_filter_and_an_unknown_one_does_not(self) -> None:
        assert self.found("", "experience") == []
        assert self.found("", "system") == ["Orders"]
        assert self.found("", "'; drop") == ["Orders"]

    def test_running_apis_come_first(self) -> None:
        make_api(self.world.organization, "A sleeping one", visibility=Visibility.PUBLIC)
        assert self.found("") == ["Orders", "A sleeping one"]

    def test_the_number_of_queries_does_not_grow_with_the_apis(self) -> None:
        for number in range(20):
            make_api(self.world.organization, f"Api {number}", visibility=Visibility.PUBLIC)
        with self.assertNumQueries(3):
            self.client_of(None).get("/hub/")

    def test_versions_that_run_come_before_those_that_do_not(self) -> None:
        self.world.api.versions.create(version="v2")
        offered = versions_offered(self.world.cora, self.world.api)
        assert [(o.version.version, bool(o.places)) for o in offered] == [("v1", True), ("v2", False)]
        self.world.instance.status = InstanceStatus.STOPPED
        self.world.instance.save()
        offered = versions_offered(self.world.cora, self.world.api)
        assert [o.version.version for o in offered] == ["v2", "v1"]


class PageTests(HubTestCase):
    def test_plans_are_compared_and_the_address_is_the_gateway_s(self) -> None:
        make_tier(self.world.instance, actor=self.world.ada)
        response = self.client_of(None).get("/hub/apis/acme/orders/")
        self.assertContains(response, "10 requests per minute")
        self.assertContains(response, "Approved by the provider")
        self.assertContains(response, "http://localhost:8080/orders")

    def test_what_providers_write_is_rendered_inert(self) -> None:
        api = self.world.api
        api.name = api.summary = ATTACK
        api.description = f"{ATTACK}\n\n[click](javascript:alert(1)) ![x](http://evil.test/x.png)\n\n# Big"
        api.save()
        self.world.api_version.specification.delete()
        describe(self.world.api_version, HOSTILE)
        client = self.client_of(self.world.cora)
        for address in self.hub_addresses("acme", "orders", self.world.instance):
            if address.endswith(".json"):
                continue
            page = client.get(address, follow=True).content.decode()
            with self.subTest(address=address):
                assert "<img" not in page
                assert "<script>window" not in page
                assert 'href="javascript:' not in page
                assert "evil.test" not in page.replace("![x](http://evil.test/x.png)", "")

    def test_a_version_may_hold_a_slash(self) -> None:
        describe(self.world.api.versions.create(version="2026/01 beta"), HOSTILE)
        client = self.client_of(None)
        self.assertContains(client.get("/hub/apis/acme/orders/"), "2026/01%20beta/reference/")
        assert client.get("/hub/apis/acme/orders/2026/01%20beta/operations/").status_code == 200

    def test_description_headings_fit_below_the_page_s(self) -> None:
        self.world.api.description = "### Big\n\n**bold** and `code`"
        self.world.api.save()
        response = self.client_of(None).get("/hub/apis/acme/orders/")
        self.assertContains(response, "<h2>Big</h2>")
        self.assertContains(response, "<strong>bold</strong>")


@pytest.mark.parametrize(
    "address", ["/hub/apis/acme/none/", "/hub/apis/none/orders/", "/hub/apis/acme/orders/v9/reference/"]
)
def test_what_does_not_exist_is_not_found(world: object, client: object, address: str) -> None:
    assert client.get(address).status_code == 404  # type: ignore[attr-defined]
