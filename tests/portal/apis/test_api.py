"""REST: API instances."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.apis.models import ApiInstance
from portal.catalog.models import Api
from tests.portal.base import PortalTestCase, make_instance
from tests.portal.cases import ObjectApiCases
from tests.portal.catalog.specifications import ORDERS


class ApiInstanceApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/api-instances/"
    target = "instance"
    other_target = "other_instance"
    create = {"base_path": "/customers"}
    change = {"base_path": "/orders-v1", "implementation_url": "https://orders.example.test/api"}
    deletes = True

    def get_create(self):
        return {
            "environment": str(self.world.production.pk),
            "gateway": str(self.world.gateway.pk),
            "api_version": str(self.world.api_version.pk),
            "port": 8080,
            "base_path": "/customers",
            "implementation_url": "http://customers.example.test:9002/api/",
        }

    def post(self, **changes):
        body = {name: value for name, value in (self.get_create() | changes).items() if value is not None}
        return self.owner_client().post(self.path, body, content_type="application/json")

    def test_deployed_instance_says_where_to_call_it(self):
        body = self.post().json()
        assert body["url"] == "http://localhost:8080/customers"
        assert body["implementation_url"] == "http://customers.example.test:9002/api"
        assert body["status"] == "active"
        (route,) = body["routes"]
        assert (route["rules"], route["destinations"]) == (
            [],
            [{"service": body["services"][0]["id"], "weight": 1, "path": ""}],
        )

    def test_deployed_with_settings_of_instance_and_service(self):
        settings = {"limits": {"responseSeconds": 30}, "accessLog": {}}
        asked = {"targets": [{"address": "http://customers-2.example.test:9002"}], "retries": {"attempts": 2}}
        body = self.post(settings=settings, service_settings=asked).json()
        assert (body["settings"], body["services"][0]["settings"]) == (settings, asked)

    def test_wrong_settings_are_named_where_they_are(self):
        response = self.post(service_settings={"targets": [{"address": "https://customers-2.example.test"}]})
        assert "Write http here, too" in response.json()["fields"]["/service_settings/targets/0/address"]
        response = self.post(settings={"limits": {"bodyBytes": -1}})
        assert "/settings/limits/bodyBytes" in response.json()["fields"]

    def test_new_api_is_added_to_the_catalog_with_its_specification(self):
        response = self.post(api_version=None, new_api={"name": "Returns", "source": ORDERS})
        assert response.status_code == 201, response.content
        api = Api.objects.get(name="Returns")
        assert api.versions.get().specification.openapi == "3.0.3"

    def test_refused_deploy_leaves_nothing_behind(self):
        response = self.post(api_version=None, new_api={"name": "Returns"}, base_path="/orders/open", port=8080)
        assert response.status_code == 409
        assert "Orders v1" in response.json()["fields"]["/base_path"]
        assert not Api.objects.filter(name="Returns").exists()

    def test_every_wrong_field_is_named_at_once(self):
        fields = self.post(base_path="orders", implementation_url="ftp://x", port=9998).json()["fields"]
        assert set(fields) == {"/base_path", "/implementation_url", "/port"}

    def test_gateway_of_another_organization_cannot_be_named(self):
        response = self.post(gateway=str(self.world.other_gateway.pk))
        assert response.status_code == 400
        assert "/gateway" in response.json()["fields"]

    def test_stop_and_start(self):
        address = f"{self.path}{self.world.instance.pk}/"
        assert self.owner_client().post(f"{address}stop/").json()["status"] == "stopped"
        assert self.owner_client().post(f"{address}start/").json()["status"] == "active"
        assert self.client_of(self.world.ben).post(f"{address}stop/").status_code == 403
        assert self.client_of(self.world.olaf).post(f"{address}stop/").status_code == 404

    def test_list_is_filtered_by_environment(self):
        address = f"{self.path}?environment={self.world.sandbox.pk}"
        assert self.owner_client().get(address).json()["results"] == []

    def test_deleting_an_instance_keeps_its_api(self):
        self.owner_client().delete(f"{self.path}{self.world.instance.pk}/")
        assert not ApiInstance.objects.filter(pk=self.world.instance.pk).exists()
        assert Api.objects.filter(pk=self.world.api.pk).exists()

    def test_number_of_queries_does_not_depend_on_the_number_of_instances(self):
        client = self.owner_client()
        client.get(self.path)
        with CaptureQueriesContext(connection) as one:
            client.get(self.path)
        for number in range(3):
            make_instance(self.world.gateway, self.world.api_version, base_path=f"/more-{number}")
        with CaptureQueriesContext(connection) as four:
            assert client.get(self.path).json()["count"] == 4
        assert len(four) == len(one)
